/** The step that no cache skips: is the token revoked, and can that be known? */
import type { RevocableClaims } from '@postern/protocol/revocation'
import { Refusal } from '../failures.ts'
import type { RevocationFeed } from '../remote/revocations/revocation-feed.ts'

export type RevocationState = 'in_force' | 'revoked' | 'unknown'

/** A token that was found genuine. */
export interface KnownToken {
  /** Name of the issuer in the configuration. */
  readonly issuer: string
  /** Undefined for a token of an issuer without a feed. */
  readonly revocable: RevocableClaims | undefined
  /** The state of the feed in which it was last found not to be revoked. */
  inForceAt: number
}

export type CheckRevocation = (token: KnownToken) => RevocationState

export interface CheckRevocationOptions {
  /** By the issuer's name; an issuer without one tells of revocations by introspection only. */
  feeds: ReadonlyMap<string, RevocationFeed>
  /** How recent a feed has to be; undefined: that does not matter beyond what the feed itself requires. */
  withinMs: number | undefined
  /** ms since the epoch */
  now: () => number
}

export function createCheckRevocation({ feeds, withinMs, now }: CheckRevocationOptions): CheckRevocation {
  if (feeds.size === 0) return () => 'in_force'
  const isTooOld = (answeredAt = 0) => withinMs !== undefined && Math.abs(now() - answeredAt) > withinMs
  return (token) => {
    const feed = feeds.get(token.issuer)
    if (!feed) return 'in_force'
    if (!feed.synced() || isTooOld(feed.answeredAt())) return 'unknown'
    // Looked up once for all uses until the next revocation: these are few, and uses are many.
    const state = feed.state()
    if (token.inForceAt === state || token.revocable === undefined) return 'in_force'
    if (feed.isRevoked(token.revocable)) return 'revoked'
    token.inForceAt = state
    return 'in_force'
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
