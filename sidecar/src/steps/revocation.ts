/** The step that no cache skips: is the token revoked, and can that be known? */
import type { RevocableClaims } from '@postern/protocol/revocation'
import { Refusal } from '../failures.ts'
import type { RevocationFeed } from '../remote/revocation-feed.ts'

export type RevocationState = 'in_force' | 'revoked' | 'unknown'

/** @param claims undefined for a token of an issuer without a feed */
export type CheckRevocation = (issuer: string, claims: RevocableClaims | undefined) => RevocationState

/** @param feeds by the issuer's name; an issuer without one tells of revocations by introspection only */
export function createCheckRevocation(feeds: ReadonlyMap<string, RevocationFeed>): CheckRevocation {
  if (feeds.size === 0) return () => 'in_force'
  return (issuer, claims) => {
    const feed = feeds.get(issuer)
    if (!feed) return 'in_force'
    if (!feed.synced()) return 'unknown'
    return claims !== undefined && feed.isRevoked(claims) ? 'revoked' : 'in_force'
  }
}

/**
 * What a feed can name the token by.
 * @param kid of the header of a JWT; empty where it names no key
 * @throws Refusal where the feed could not name the token, and it could not be revoked
 */
export function revocableClaims(claims: Readonly<Record<string, unknown>>, kid?: string): RevocableClaims {
  const { jti, grant_id, client_id, sub, iat } = claims
  if (typeof jti !== 'string' || jti === '') throw new Refusal('invalid_token', 'the token has no jti')
  if (kid === '') throw new Refusal('invalid_token', 'the token names no key')
  return {
    jti,
    grant_id: textOf(grant_id),
    client_id: textOf(client_id),
    sub: textOf(sub),
    iat: typeof iat === 'number' ? iat : undefined,
    kid,
  }
}

function textOf(claim: unknown): string | undefined {
  if (claim === undefined || typeof claim === 'string') return claim
  throw new Refusal('invalid_token', 'a claim of the token is malformed')
}
