/**
 * JWK Sets behind URLs of tenants (`jwks_uri`): kept per URL, fetched anew before they grow old, kept on for a day while the
 * host is down. What strangers can provoke (an unknown `kid`, a wrong signature, a host that is down) leads to one request in
 * each cooldown and no more: that is also the circuit breaker, one for each URL, so there is no other.
 */
import { errors } from 'jose'
import { LRUCache } from 'lru-cache'
import type { OutgoingClient } from './client.ts'
import { OutgoingError } from './error.ts'
import { hasKey, type KeySource, type Keys, toKeys, tryKeys } from './key-source.ts'
import { usableKeys } from './public-jwks.ts'

export interface RemoteJwks {
  /** The keys behind a URL. Nothing is asked before they are needed. */
  at(url: string): KeySource
}

/** Older than this, a set is fetched anew in the background. */
const refreshAfterMs = 300_000
/** Older than this, it is waited for, so that a key withdrawn long ago is not accepted by the first to ask. */
const waitAfterMs = 900_000
/** So long a set serves while its host is down. */
const keepForMs = 86_400_000
/** Between two requests to a URL, but for those that found the set too old. */
const cooldownMs = 10_000

const request = {
  mediaTypes: ['application/jwk-set+json', 'application/json'],
  timeoutMs: 3_000,
  maxBytes: 128 * 1_024,
}
/** Bounds on what all of them take: a stranger may register URLs, and put large sets behind them. */
const maxUrls = 10_000
const maxTotalBytes = 64 * 1_024 * 1_024
const bytesOfEntry = 1_024

interface KnownSet {
  keys: Keys
  bytes: number
  /** ms since the epoch */
  fetchedAt: number
}

interface Entry {
  known: KnownSet | undefined
  /** ms since the epoch */
  attemptedAt: number
  /** Why the last attempt failed; undefined where it succeeded. */
  failure: unknown
  /** One at a time, so results arrive in order. */
  underWay: Promise<KnownSet> | undefined
}

/** @param now ms since the epoch */
export function createRemoteJwks(outgoing: Pick<OutgoingClient, 'fetchJson'>, now: () => number): RemoteJwks {
  const entries = new LRUCache<string, Entry>({
    max: maxUrls,
    maxSize: maxTotalBytes,
    sizeCalculation: ({ known }) => bytesOfEntry + (known?.bytes ?? 0),
  })

  const entryOf = (url: string): Entry => {
    const known = entries.get(url)
    if (known) return known
    const entry: Entry = {
      known: undefined,
      attemptedAt: Number.NEGATIVE_INFINITY,
      failure: undefined,
      underWay: undefined,
    }
    entries.set(url, entry)
    return entry
  }

  const load = async (url: string, entry: Entry): Promise<KnownSet> => {
    entry.attemptedAt = now()
    try {
      entry.known = { ...(await fetchKeys(outgoing, url)), fetchedAt: now() }
      entry.failure = undefined
      // Weighed again, now that it holds something.
      entries.set(url, entry)
      return entry.known
    } catch (error) {
      entry.failure = error
      throw error
    } finally {
      entry.underWay = undefined
    }
  }
  const refresh = (url: string, entry: Entry): Promise<KnownSet> => {
    entry.underWay ??= load(url, entry)
    return entry.underWay
  }
  const mayAsk = (entry: Entry) => now() - entry.attemptedAt >= cooldownMs

  const current = async (url: string, entry: Entry): Promise<KnownSet> => {
    const { known } = entry
    const age = known ? now() - known.fetchedAt : Number.POSITIVE_INFINITY
    if (!known || age >= keepForMs) {
      if (entry.failure !== undefined && !mayAsk(entry)) throw entry.failure
      return refresh(url, entry)
    }
    if (age < refreshAfterMs || !(mayAsk(entry) || entry.underWay)) return known
    // A failure is no news while there are keys.
    const refreshed = refresh(url, entry).catch(() => known)
    return age < waitAfterMs ? known : refreshed
  }

  /** Keys other than those that have just failed; undefined where there are none, or may not be asked for yet. */
  const newer = async (url: string, entry: Entry, failed: KnownSet): Promise<KnownSet | undefined> => {
    if (entry.known && entry.known !== failed) return entry.known
    if (!entry.underWay && !mayAsk(entry)) return undefined
    return refresh(url, entry).catch(() => undefined)
  }

  return {
    at: (url) => ({
      async verify(attempt) {
        const entry = entryOf(url)
        const known = await current(url, entry)
        try {
          return await tryKeys(known.keys, attempt)
        } catch (error) {
          const renewed = mayBeOutdated(error) ? await newer(url, entry, known) : undefined
          if (!renewed) throw error
          return tryKeys(renewed.keys, attempt)
        }
      },
      async includes(publicKey) {
        const entry = entryOf(url)
        const known = await current(url, entry)
        if (hasKey(known.keys, publicKey)) return true
        const renewed = await newer(url, entry, known)
        return renewed !== undefined && hasKey(renewed.keys, publicKey)
      },
    }),
  }
}

/** An unknown `kid`; or a wrong signature, since a host may have replaced a key under the same `kid`. */
function mayBeOutdated(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
}

async function fetchKeys(
  outgoing: Pick<OutgoingClient, 'fetchJson'>,
  url: string,
): Promise<{ keys: Keys; bytes: number }> {
  const jwks = usableKeys(await outgoing.fetchJson(url, request))
  if (!jwks) throw new OutgoingError('unexpected_content', new URL(url).host)
  return { keys: toKeys(jwks), bytes: JSON.stringify(jwks).length }
}
