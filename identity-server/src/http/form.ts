/** Bodies of `application/x-www-form-urlencoded`, as strictly as RFC 6749 appendix B and section 3.2 ask. */
import { isUtf8 } from 'node:buffer'
import { OAuthError } from '@postern/protocol/oauth-error'

const maxParameters = 100

/**
 * Parses a form. Parameters without a value are treated as if they were omitted (section 3.2).
 * @throws OAuthError `invalid_request` for a repeated parameter, broken percent-encoding, bytes that are not UTF-8, or
 *   control characters
 */
export function parseForm(body: Buffer): Map<string, string> {
  // Decoding would put U+FFFD in the place of what is no UTF-8, and different bodies would become the same.
  if (!isUtf8(body)) throw new OAuthError('invalid_request', 'the body is not UTF-8')
  const form = new Map<string, string>()
  const seen = new Set<string>()
  const pairs = body
    .toString()
    .split('&')
    .filter((pair) => pair !== '')
  if (pairs.length > maxParameters) throw new OAuthError('invalid_request', 'too many parameters')
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    if (seen.has(name)) throw new OAuthError('invalid_request', 'a parameter is repeated')
    seen.add(name)
    if (value !== '') form.set(name, value)
  }
  return form
}

function decode(text: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new OAuthError('invalid_request', 'the body is not well-formed form data', { cause })
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001F\u007F]/.test(decoded)) {
    throw new OAuthError('invalid_request', 'a parameter holds a control character')
  }
  return decoded
}
