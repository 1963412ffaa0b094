/** The revocations of one auth server that are in force, in memory: in their order for the feed, and for look-ups. */
import { createRevokedTokens, type RevocableClaims } from '@postern/protocol/revocation'
import type { StoredRevocation } from '../store/revocations.ts'

export interface InForce {
  /** The highest sequence number of all that were added. */
  readonly lastSequence: number
  /** Adds one with a higher number than all before; it takes the place of one of the same kind and value. */
  add(revocation: StoredRevocation): void
  cover(claims: RevocableClaims): boolean
  /** Those after a sequence number, oldest first, at most `limit`. */
  after(sequence: number, limit: number): StoredRevocation[]
  /** Forgets those whose tokens have all expired, from time to time. @param now ms since the epoch */
  tidy(now: number): void
}

/** Tidying looks at each revocation: not more often than this, whatever expires meanwhile. */
const tidyEveryMs = 10_000

export function createInForce(): InForce {
  const tokens = createRevokedTokens()
  let ordered: StoredRevocation[] = []
  let lastSequence = 0
  /** ms since the epoch before which tidying would find nothing, or is not due. */
  let tidyAt = Number.POSITIVE_INFINITY

  return {
    get lastSequence() {
      return lastSequence
    },
    add(revocation) {
      const { kind, value } = revocation
      if (tokens.add(revocation)) ordered = ordered.filter((known) => known.kind !== kind || known.value !== value)
      ordered.push(revocation)
      lastSequence = revocation.sequence
      tidyAt = Math.min(tidyAt, revocation.expiresAt * 1_000)
    },
    cover: tokens.cover,
    after(sequence, limit) {
      const start = firstAfter(ordered, sequence)
      return ordered.slice(start, start + limit)
    },
    tidy(now) {
      if (now < tidyAt) return
      const seconds = now / 1_000
      ordered = ordered.filter(({ expiresAt }) => expiresAt > seconds)
      tokens.forgetExpired(seconds)
      tidyAt = Math.max(now + tidyEveryMs, ordered.reduce(earliest, Number.POSITIVE_INFINITY))
    },
  }
}

function earliest(soonest: number, { expiresAt }: StoredRevocation): number {
  return Math.min(soonest, expiresAt * 1_000)
}

/** Where the revocations after a sequence number begin, by halving: a reader asks often, and mostly for the end. */
function firstAfter(ordered: readonly StoredRevocation[], sequence: number): number {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ordered[middle]?.sequence ?? Number.POSITIVE_INFINITY) > sequence) high = middle
    else low = middle + 1
  }
  return low
}
