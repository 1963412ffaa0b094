/** The Bearer scheme (RFC 6750): taking a token from an `Authorization` value, and the challenge for a refusal. */
import { formatChallenge, parseToken } from './authentication-scheme.ts'
import type { OAuthErrorCode } from './oauth-error.ts'

/**
 * Reads the credentials of `Authorization: Bearer …` (RFC 6750 section 2.1).
 * @returns the token; `none` where the value uses another scheme; `malformed` where the scheme is Bearer but the
 *   credentials break the `b64token` grammar
 */
export function parseBearer(authorization: string): { token: string } | 'none' | 'malformed' {
  return parseToken('bearer', authorization)
}

export interface BearerChallenge {
  realm: string
  error?: OAuthErrorCode
  description?: string
  /** The scopes that would suffice; given with `insufficient_scope`. */
  scope?: string
  /** Accepted authentication context classes, spaced, and seconds (RFC 9470 section 3). */
  acr_values?: string
  max_age?: string
  /** Where the metadata of the resource is (RFC 9728 section 5.1). */
  resource_metadata?: string | undefined
}

/**
 * The value of `WWW-Authenticate` (RFC 6750 section 3). A request without any token gets a challenge without an
 * error code (section 3.1).
 */
export function bearerChallenge({ realm, error, description, ...more }: BearerChallenge): string {
  return formatChallenge('Bearer', { realm, error, error_description: description, ...more })
}
