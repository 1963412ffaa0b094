/** The step that adds the upstream's own token; never cached with the identity, since the two live differently long. */

import { readUnverifiedJws } from '@postern/protocol/compact-jws'
import type { PurgeOutcome } from '@postern/protocol/upstream-token'
import type { Caller } from '../remote/upstream-grants/grant.ts'
import type { TokenSource } from '../remote/upstream-tokens/upstream-tokens.ts'

export interface UpstreamStep {
  /** Lower case. */
  header: string
  /** Whether whoever reaches the sidecar gets a token without a decision. */
  handedOut: boolean
  /**
   * Where the token for a caller comes from; the same source for each where it is the sidecar's own.
   * @param caller undefined for an anonymous one
   * @returns undefined where a token stands for a caller, and there is none
   * @throws Refusal where none can be asked for such a caller
   */
  tokensOf(caller: Caller | undefined): TokenSource | undefined
  /** @param refused the hash (SHA-256, base64url) of the token that the upstream refused */
  purge(refused: string): PurgeOutcome
  /** What became of tokens that the upstream refused, by outcome: for metrics. */
  readonly purges: Readonly<Record<PurgeOutcome, number>>
  /** ms since the epoch, of the sidecar's own token; undefined where it has none. */
  expiresAt(): number | undefined
  /** Callers for whom there are tokens, or were a moment ago. */
  callers(): number
}

const maxTokenLength = 16_384
/** A token that does not tell its expiry may end at any time. */
const assumedLifetimeMs = 60_000

/**
 * A caller whose token nobody has verified: the issuer that exchanges it does. What it says of its expiry makes the time only
 * shorter for which the other is kept.
 * @param now ms since the epoch
 */
export function unverifiedCaller(token: string, now: number): Caller {
  const exp = readUnverifiedJws(token, maxTokenLength)?.payload.exp
  const expiresAt = typeof exp === 'number' ? exp * 1_000 : now + assumedLifetimeMs
  return { token, claims: undefined, expiresAt }
}
