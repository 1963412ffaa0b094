/** A cookie (RFC 6265 section 4.2). It is sent by the browser whoever asks: such a policy needs protection against CSRF. */
import type { DecisionRequest } from '@postern/protocol/decision'
import { valuesOf } from './header.ts'
import { onlyToken, type TokenReader } from './source.ts'

export function readCookie(name: string): TokenReader {
  return {
    read: (request) =>
      onlyToken(
        pairsOf(request)
          .filter((pair) => pair.name === name)
          .map(({ value }) => value),
      ),
  }
}

/** The other cookies, as the upstream is to get them; empty where there are none. */
export function otherCookies(request: DecisionRequest, names: ReadonlySet<string>): string {
  return pairsOf(request)
    .filter(({ name }) => !names.has(name))
    .map(({ text }) => text)
    .join('; ')
}

function pairsOf(request: DecisionRequest): { name: string; value: string; text: string }[] {
  return valuesOf(request, 'cookie')
    .flatMap((header) => header.split(';'))
    .map((pair) => pair.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const equals = text.indexOf('=')
      const [name, value] = equals < 0 ? [text, ''] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()]
      return { name, value: value.replace(/^"(.*)"$/, '$1'), text }
    })
}
