/** Bodies of `application/x-www-form-urlencoded`, as strictly as RFC 6749 appendix B and section 3.2 ask. */
import { isUtf8 } from 'node:buffer'
import { OAuthError } from '@postern/protocol/oauth-error'
import { type Form, json, repeatable } from '../form.ts'

const maxParameters = 100

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const control = /[\u0000-\u001F\u007F]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: all but tabs and line breaks, which may stand between tokens
const controlInJson = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/

/**
 * Parses a form. Parameters without a value are treated as if they were omitted (section 3.2).
 * @throws OAuthError `invalid_request` for a parameter that is repeated though it may not, broken percent-encoding, bytes that are not UTF-8, or
 *   control characters
 */
export function parseForm(body: Buffer): Form {
  // Decoding would put U+FFFD in the place of what is no UTF-8, and different bodies would become the same.
  if (!isUtf8(body)) throw new OAuthError('invalid_request', 'the body is not UTF-8')
  const pairs = body.toString().split('&')
  if (pairs.length > maxParameters) throw new OAuthError('invalid_request', 'too many parameters')
  const values = new Map<string, string[]>()
  for (const pair of pairs) {
    if (pair === '') continue
    const [name, value] = parsePair(pair)
    const present = values.get(name)
    if (!present) values.set(name, [value])
    else if (repeatable.has(name)) present.push(value)
    else throw new OAuthError('invalid_request', 'a parameter is repeated')
  }
  return {
    get: (name) => (repeatable.has(name) ? undefined : values.get(name)?.[0] || undefined),
    all: (name) => values.get(name)?.filter((value) => value !== '') ?? [],
  }
}

function parsePair(pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=')
  if (equals < 0) return [decode(pair, control), '']
  const name = decode(pair.slice(0, equals), control)
  return [name, decode(pair.slice(equals + 1), json.has(name) ? controlInJson : control)]
}

function decode(text: string, refused: RegExp): string {
  // Most names and values stand for themselves, and finding that out halves the time of a form.
  const decoded = text.includes('%') || text.includes('+') ? percentDecode(text) : text
  if (refused.test(decoded)) throw new OAuthError('invalid_request', 'a parameter holds a control character')
  return decoded
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new OAuthError('invalid_request', 'the body is not well-formed form data', { cause })
  }
}
