/**
 * Client credentials in `Authorization: Basic …` (RFC 6749 section 2.3.1): user-id and password are each encoded as
 * `application/x-www-form-urlencoded` before Base64. Decoding is strict on purpose: two spellings that decode to the
 * same client are a way around whatever compares the first one.
 */

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** `VSCHAR` of RFC 6749 appendix A, which client_id and client_secret are made of. */
const vschars = /^[\x20-\x7E]*$/

/**
 * @returns the credentials; `none` where the value uses another scheme; `malformed` where Base64, percent-encoding
 *   or the character set is wrong
 */
export function parseBasicCredentials(
  authorization: string,
): { clientId: string; clientSecret: string } | 'none' | 'malformed' {
  if (!/^basic(?:\s|$)/i.test(authorization)) return 'none'
  const encoded = authorization.slice('basic '.length)
  if (authorization[5] !== ' ' || encoded === '' || !base64.test(encoded)) return 'malformed'
  const bytes = Buffer.from(encoded, 'base64')
  // Non-zero padding bits would let one pair be spelled in several ways.
  if (bytes.toString('base64') !== encoded) return 'malformed'
  const text = bytes.toString('latin1')
  const colon = text.indexOf(':')
  if (colon < 0) return 'malformed'
  const clientId = formDecode(text.slice(0, colon))
  const clientSecret = formDecode(text.slice(colon + 1))
  if (!clientId || clientSecret === undefined) return 'malformed'
  return { clientId, clientSecret }
}

/** The `Authorization` value for a client_id and client_secret. */
export function formatBasicCredentials(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')}`
}

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function formDecode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return vschars.test(decoded) ? decoded : undefined
  } catch {
    // URIError: a broken percent sequence. The caller refuses it as malformed.
    return undefined
  }
}
