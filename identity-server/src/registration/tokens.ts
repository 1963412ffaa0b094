/** The two tokens of registration: the one that allows it (RFC 7591 section 3), and the one that it ends with (RFC 7592). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { parseBearer } from '@postern/protocol/bearer'
import { OAuthError } from '@postern/protocol/oauth-error'

/** Their prefixes let secret scanners recognise them, and nobody take the one for the other. */
export const createInitialAccessToken = () => `pst_initial_${randomBytes(32).toString('base64url')}`
export const createRegistrationAccessToken = () => `pst_registration_${randomBytes(32).toString('base64url')}`

/** What is stored of either: they have 256 bits of entropy. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** @param stored undefined where there is nothing to compare with, which takes as long */
export function matchesToken(token: string, stored: Uint8Array | undefined): boolean {
  const hash = hashToken(token)
  const equal = timingSafeEqual(hash, stored?.length === hash.length ? stored : Buffer.alloc(hash.length))
  return equal && stored !== undefined
}

/**
 * The token of a request (RFC 6750 section 2.1).
 * @throws OAuthError `invalid_token` where there is none, `invalid_request` where the header is malformed
 */
export function requireToken(authorization: string | undefined): string {
  const credentials = authorization === undefined ? 'none' : parseBearer(authorization)
  if (credentials === 'none') throw new OAuthError('invalid_token', 'a token is required')
  if (credentials === 'malformed') throw new OAuthError('invalid_request', 'the Authorization header is malformed')
  return credentials.token
}

/** One refusal for every reason: which it was is the operator's business. */
export function refuseToken(reason: string): OAuthError {
  return new OAuthError('invalid_token', 'the token is not valid', { cause: new Error(reason) })
}
