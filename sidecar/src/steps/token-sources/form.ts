/** A parameter of a form body (RFC 6750 section 2.2), for plugins that send the body along. */
import { valuesOf } from './header.ts'
import { onlyToken, type TokenReader } from './source.ts'

const formType = /^application\/x-www-form-urlencoded\s*(?:;|$)/i
/** Their bodies mean nothing (section 2.2; RFC 9110 section 9.3). */
const withoutBody = new Set(['GET', 'HEAD'])

export function readForm(parameter: string): TokenReader {
  return {
    read(request) {
      const { body, method } = request
      if (body === undefined || withoutBody.has(method)) return 'none'
      const types = valuesOf(request, 'content-type')
      if (types.length !== 1 || !formType.test(types[0] ?? '')) return 'none'
      return onlyToken(new URLSearchParams(body).getAll(parameter))
    },
  }
}
