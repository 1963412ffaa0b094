/** The Bearer scheme (RFC 6750): taking a token from an `Authorization` value, and the challenge for a refusal. */
import type { OAuthErrorCode } from './oauth-error.ts'

const b64token = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Reads the credentials of `Authorization: Bearer …` (RFC 6750 section 2.1).
 * @returns the token; `none` where the value uses another scheme; `malformed` where the scheme is Bearer but the
 *   credentials break the `b64token` grammar
 */
export function parseBearer(authorization: string): { token: string } | 'none' | 'malformed' {
  // Scheme names are case-insensitive (RFC 9110 section 11.1).
  if (!/^bearer(?:\s|$)/i.test(authorization)) return 'none'
  const token = authorization.slice('bearer '.length)
  return authorization[6] === ' ' && b64token.test(token) ? { token } : 'malformed'
}

export interface BearerChallenge {
  realm: string
  error?: OAuthErrorCode
  description?: string
  /** The scopes that would suffice; given with `insufficient_scope`. */
  scope?: string
}

/**
 * The value of `WWW-Authenticate` (RFC 6750 section 3). A request without any token gets a challenge without an
 * error code (section 3.1).
 */
export function bearerChallenge(challenge: BearerChallenge): string {
  const parameters = [`realm=${quoted(challenge.realm)}`]
  if (challenge.error) parameters.push(`error=${quoted(challenge.error)}`)
  if (challenge.description) parameters.push(`error_description=${quoted(challenge.description)}`)
  if (challenge.scope) parameters.push(`scope=${quoted(challenge.scope)}`)
  return `Bearer ${parameters.join(', ')}`
}

/** A `quoted-string` (RFC 9110 section 5.6.4); what may not stand in a header becomes a space. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7E]/g, ' ').replace(/["\\]/g, '\\$&')}"`
}
