/** What the schemes of HTTP authentication have in common (RFC 9110 section 11): credentials of one token, challenges. */

const token68 = /^[A-Za-z0-9\-._~+/]+=*$/

/** What may be a token in any place: `token68` (RFC 9110 section 11.2), which is `b64token` (RFC 6750 section 2.1). */
export function isToken68(text: string): boolean {
  return token68.test(text)
}

/**
 * What follows the scheme and its space (RFC 9110 section 11.4), whether or not it is a token.
 * @param scheme in lower case
 * @returns undefined where the value uses another scheme
 */
export function credentialsOf(scheme: string, authorization: string): string | undefined {
  const { length } = scheme
  // Scheme names are case-insensitive (RFC 9110 section 11.1).
  if (authorization.slice(0, length).toLowerCase() !== scheme) return undefined
  const separator = authorization.charAt(length)
  if (separator === ' ') return authorization.slice(length + 1)
  return separator.trim() === '' ? authorization.slice(length) : undefined
}

/**
 * Reads the credentials of a scheme whose credentials are one token.
 * @param scheme in lower case
 * @returns the token; `none` where the value uses another scheme; `malformed` where the credentials break the grammar
 */
export function parseToken(scheme: string, authorization: string): { token: string } | 'none' | 'malformed' {
  const credentials = credentialsOf(scheme, authorization)
  if (credentials === undefined) return 'none'
  return isToken68(credentials) ? { token: credentials } : 'malformed'
}

/** A challenge (RFC 9110 section 11.3) with the parameters that are there, in their order. */
export function formatChallenge(scheme: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const present = Object.entries(parameters).flatMap(([name, value]) =>
    value !== undefined ? [`${name}=${quoted(value)}`] : [],
  )
  return present.length > 0 ? `${scheme} ${present.join(', ')}` : scheme
}

/** A `quoted-string` (RFC 9110 section 5.6.4); what may not stand in a header becomes a space. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7E]/g, ' ').replace(/["\\]/g, '\\$&')}"`
}
