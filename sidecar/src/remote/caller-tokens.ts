/** Tokens for an upstream on behalf of callers: one for each of them, of the many that there may be those of the last. */
import type { PurgeOutcome } from '@postern/protocol/upstream-token'
import { LRUCache } from 'lru-cache'
import { sha256 } from './sha256.ts'
import type { Parameters } from './token-endpoint.ts'
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

export interface CallerTokensOptions {
  grant: CallerGrant
  fetch: (parameters: Parameters) => Promise<FetchedToken>
  purgeIntervalMs: number
  /** ms since the epoch */
  now: () => number
  random?: () => number
}

interface Entry {
  tokens: UpstreamTokens
  /** The hash of the token that it fetched last. */
  hash?: string
}

export function createCallerTokens(options: CallerTokensOptions): CallerTokens {
  const { grant, fetch, purgeIntervalMs, now, random = Math.random } = options
  /** Keys of entries by the hash of their token. */
  const keys = new Map<string, string>()
  const entries = new LRUCache<string, Entry>({
    max: grant.maxCallers,
    dispose: ({ hash }) => {
      if (hash !== undefined) keys.delete(hash)
    },
  })

  const remember = (key: string, entry: Entry, hash: string) => {
    if (entry.hash !== undefined) keys.delete(entry.hash)
    // Meanwhile others may have displaced it.
    if (entries.peek(key) !== entry) return
    entry.hash = hash
    keys.set(hash, key)
  }

  const create = ({ key, parameters, notAfter }: CallerQuestion): Entry => {
    const tokens = createUpstreamTokens({
      async fetch() {
        const token = await fetch(await parameters())
        remember(key, entry, sha256(token.accessToken))
        return token
      },
      notAfter,
      // Anew when they are used: to renew everybody's in the background would be a burden to the issuer.
      idleMs: 0,
      purgeIntervalMs,
      now,
      random,
    })
    const entry: Entry = { tokens }
    entries.set(key, entry)
    return entry
  }

  return {
    of(caller) {
      const question = grant.askFor(caller)
      return {
        current: () => entries.get(question.key)?.tokens.current(),
        get: () => (entries.get(question.key) ?? create(question)).tokens.get(),
      }
    },
    purge(refused) {
      const key = keys.get(refused)
      const entry = key === undefined ? undefined : entries.peek(key)
      return entry?.tokens.purge(refused) ?? 'not_current'
    },
    get size() {
      return entries.size
    },
  }
}
