/**
 * What became of a token under one policy, kept while it holds. Each policy has a cache of its own and the key is the
 * whole token, so everything that the outcome depends on is part of the key. Refusals are kept apart, shorter and
 * fewer: made-up tokens displace nobody.
 */
import type { Confirmation } from '@postern/protocol/confirmation'
import type { Allow, Deny } from '@postern/protocol/decision'
import { LRUCache } from 'lru-cache'
import type { CacheConfig } from '../config/schema/cache.ts'
import type { TokenSource } from '../remote/upstream-tokens/upstream-tokens.ts'
import type { Identity } from '../steps/identity.ts'
import type { KnownToken } from '../steps/revocation.ts'

export interface Verified extends KnownToken {
  /** Undefined where no step asks for it again. */
  readonly identity: Identity | undefined
  /** ms since the epoch of the token's expiry; Infinity where none is known. */
  readonly expiresAt: number
  /** What whoever presents the token must prove to hold, each time; undefined: nothing. */
  readonly confirmation: Confirmation | undefined
  /** ms since the epoch until which it may be kept */
  readonly holdsUntil: number
  /** For each rule of the policy, what became of the requirements that depend on the token alone; once asked. */
  readonly answers: (Deny | 'met' | undefined)[]
  /** The decision without an upstream's token. */
  allow: Allow
  /** ms since the epoch, from which on `allow` is to be made anew. */
  renewAt: number
  /** Where the upstream's token comes from; undefined where the policy has no upstream. */
  upstreamTokens: TokenSource | undefined
  /** The decision with the upstream token that was current when it was last used. */
  combined: { accessToken: string; allow: Allow } | undefined
}

export type Outcome = Verified | { refused: Deny; holdsUntil: number }

export interface OutcomeCache {
  /** @param now ms since the epoch; what no longer holds is not answered */
  get(token: string, now: number): Outcome | undefined
  /** Keeps the outcome no longer than it holds and the configuration allows. */
  set(token: string, outcome: Outcome, now: number): void
  readonly size: number
}

/** Of an entry beside its key and header values: objects, the cache's own bookkeeping. Measured, rounded up. */
const overheadBytes = 1_200
/** Of `max_bytes`, for refusals. */
const negativeShare = 1 / 8

/** By so much a clock may be set back, as time servers do all the time, before what is kept is of no use. */
const stepMs = 5_000

interface Entry {
  outcome: Outcome
  /** ms since the epoch */
  since: number
  /** ms since the epoch */
  until: number
}

export function createOutcomeCache(config: CacheConfig): OutcomeCache {
  const negativeBytes = Math.floor(config.max_bytes * negativeShare)
  const positive = createLru(config.max_entries, config.max_bytes - negativeBytes)
  const negative = createLru(config.negative_max_entries, negativeBytes)
  const maxAgeMs = config.max_age * 1_000
  const negativeMaxAgeMs = config.negative_max_age * 1_000

  return {
    get(token, now) {
      const entry = positive.get(token) ?? negative.get(token)
      return entry && now < entry.until && now > entry.since - stepMs ? entry.outcome : undefined
    },
    set(token, outcome, now) {
      if ('refused' in outcome) {
        positive.delete(token)
        negative.set(token, { outcome, since: now, until: Math.min(outcome.holdsUntil, now + negativeMaxAgeMs) })
      } else {
        negative.delete(token)
        positive.set(token, { outcome, since: now, until: Math.min(outcome.holdsUntil, now + maxAgeMs) })
      }
    },
    get size() {
      return positive.size + negative.size
    },
  }
}

function createLru(max: number, maxSize: number): LRUCache<string, Entry> {
  return new LRUCache({ max, maxSize, sizeCalculation: ({ outcome }, token) => sizeOf(outcome, token) })
}

/** Bytes: claims decide how much is kept, so these are counted; a refusal's text is short. */
function sizeOf(outcome: Outcome, token: string): number {
  if ('refused' in outcome) return token.length + overheadBytes
  const { allow, revocable, confirmation, identity } = outcome
  const kept = [
    ...Object.values(allow.set_headers),
    ...Object.values(revocable ?? {}),
    ...Object.values(confirmation ?? {}),
    ...(identity ? claimTexts(identity) : []),
  ]
  return kept.reduce((bytes, value) => bytes + String(value).length, token.length + overheadBytes)
}

/** Each claim also has its own objects, which weigh about as much as its name and its value as JSON. */
function claimTexts({ claims }: Identity): string[] {
  return Object.entries(claims).flatMap(([name, value]) => [name, JSON.stringify(value) ?? ''])
}
