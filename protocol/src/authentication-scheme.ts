/** What the schemes of HTTP authentication have in common (RFC 9110 section 11): credentials of one token, challenges. */

const token68 = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Reads the credentials of a scheme whose credentials are one token (RFC 9110 section 11.2).
 * @param scheme in lower case
 * @returns the token; `none` where the value uses another scheme; `malformed` where the credentials break the grammar
 */
export function parseToken(scheme: string, authorization: string): { token: string } | 'none' | 'malformed' {
  // Scheme names are case-insensitive (RFC 9110 section 11.1).
  const isScheme = authorization.slice(0, scheme.length).toLowerCase() === scheme
  const separator = authorization.charAt(scheme.length)
  if (!isScheme || !/^\s?$/.test(separator)) return 'none'
  const token = authorization.slice(scheme.length + 1)
  return separator === ' ' && token68.test(token) ? { token } : 'malformed'
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
