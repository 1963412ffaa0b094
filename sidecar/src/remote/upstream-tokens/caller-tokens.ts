/** Tokens for an upstream on behalf of callers: one for each of them, of the many that there may be those of the last. */
import type { PurgeOutcome } from '@postern/protocol/upstream-token'
import { LRUCache } from 'lru-cache'
import { sha256 } from '../sha256.ts'
import type { Caller, CallerGrant, CallerQuestion } from '../upstream-grants/grant.ts'
import type { FetchedToken } from '../upstream-grants/token-response.ts'
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

/** Tokens for one caller. */
interface Source {
  tokens: UpstreamTokens
  question: CallerQuestion
}

export function createCallerTokens(options: CallerTokensOptions): CallerTokens {
  const { grant, fetch, purgeIntervalMs, now, random = Math.random } = options
  const sources = new LRUCache<string, Source>({ max: grant.maxCallers })
  /** For whom a token is, by its hash. */
  const keys = new LRUCache<string, string>({ max: grant.maxCallers })

  const create = (question: CallerQuestion): Source => {
    const { key } = question
    let last: string | undefined
    const tokens = createUpstreamTokens({
      async fetch() {
        const token = await fetch(source.question, last)
        // It would take the place of one that is in use.
        if (last !== undefined) keys.delete(last)
        last = sha256(token.accessToken)
        keys.set(last, key)
        return token
      },
      notAfter: () => source.question.notAfter,
      // Anew when they are used: to renew everybody's in the background would be a burden to the issuer.
      idleMs: 0,
      purgeIntervalMs,
      now,
      random,
    })
    const source: Source = { tokens, question }
    sources.set(key, source)
    return source
  }

  /** An expiry may have been told anew, or not been known before: the last word counts. */
  const ask = (question: CallerQuestion): UpstreamTokens => {
    const source = sources.get(question.key) ?? create(question)
    source.question = question
    return source.tokens
  }

  return {
    of(caller) {
      const question = grant.askFor(caller)
      return {
        current: () => sources.get(question.key)?.tokens.current(),
        peek: () => sources.peek(question.key)?.tokens.peek(),
        get: () => ask(question).get(),
      }
    },
    purge(refused) {
      const key = keys.get(refused)
      const source = key === undefined ? undefined : sources.peek(key)
      return source?.tokens.purge(refused) ?? 'not_current'
    },
    get size() {
      return sources.size
    },
  }
}
