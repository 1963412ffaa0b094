/** Tokens for an upstream on behalf of callers: one for each of them, of the many that there may be those of the last. */
import type { PurgeOutcome } from '@postern/protocol/upstream-token'
import { LRUCache } from 'lru-cache'
import { sha256 } from './sha256.ts'
import type { FetchedToken } from './token-response.ts'
import type { Caller, CallerGrant, CallerQuestion } from './upstream-grants/grant.ts'
import { createUpstreamTokens, type TokenSource, type UpstreamTokens } from './upstream-tokens.ts'

export interface CallerTokens {
  /** @throws Refusal where the grant can do nothing for such a caller */
  of(caller: Caller): TokenSource
  /** @param refused the hash of the token that an upstream refused */
  purge(refused: string): PurgeOutcome
  readonly size: number
}

/** @param last the hash of the token that was fetched before, if there was one */
export type FetchForCaller = (question: CallerQuestion, last: string | undefined) => Promise<FetchedToken>

export interface CallerTokensOptions {
  grant: CallerGrant
  fetch: FetchForCaller
  purgeIntervalMs: number
  /** ms since the epoch */
  now: () => number
  random?: () => number
}

export function createCallerTokens(options: CallerTokensOptions): CallerTokens {
  const { grant, fetch, purgeIntervalMs, now, random = Math.random } = options
  const sources = new LRUCache<string, UpstreamTokens>({ max: grant.maxCallers })
  /** For whom a token is, by its hash. */
  const keys = new LRUCache<string, string>({ max: grant.maxCallers })

  const create = (question: CallerQuestion): UpstreamTokens => {
    const { key, notAfter } = question
    let last: string | undefined
    const tokens = createUpstreamTokens({
      async fetch() {
        const token = await fetch(question, last)
        last = sha256(token.accessToken)
        keys.set(last, key)
        return token
      },
      notAfter,
      // Anew when they are used: to renew everybody's in the background would be a burden to the issuer.
      idleMs: 0,
      purgeIntervalMs,
      now,
      random,
    })
    sources.set(key, tokens)
    return tokens
  }

  return {
    of(caller) {
      const question = grant.askFor(caller)
      return {
        current: () => sources.get(question.key)?.current(),
        peek: () => sources.peek(question.key)?.peek(),
        get: () => (sources.get(question.key) ?? create(question)).get(),
      }
    },
    purge(refused) {
      const key = keys.get(refused)
      const tokens = key === undefined ? undefined : sources.peek(key)
      return tokens?.purge(refused) ?? 'not_current'
    },
    get size() {
      return sources.size
    },
  }
}
