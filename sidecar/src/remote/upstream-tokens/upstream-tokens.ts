/**
 * One token for an upstream: fetched when first needed, fetched anew before it expires while the old one still serves, one
 * request at a time, and used until it expires where the token endpoint is down.
 */
import type { PurgeOutcome } from '@postern/protocol/upstream-token'
import { DependencyError, safeReason } from '../../failures.ts'
import { sha256 } from '../sha256.ts'
import type { FetchedToken } from '../upstream-grants/token-response.ts'

export interface UpstreamToken {
  accessToken: string
  scheme: FetchedToken['scheme']
  boundTo: FetchedToken['boundTo']
  /** One string for all the cached decisions that carry it, since each would keep its own. */
  headerValue: string
  /** ms since the epoch, with a margin for the way to the upstream. */
  expiresAt: number
}

export interface TokenSource {
  /** The token, where there is one that is valid now. */
  current(): UpstreamToken | undefined
  /** As `current`, or fetches one. @throws DependencyError */
  get(): Promise<UpstreamToken>
  /** As `current`, but to look at only: it is no use of the token, and fetches nothing. */
  peek(): UpstreamToken | undefined
}

export interface UpstreamTokens extends TokenSource {
  /** ms since the epoch, of the held token, whether or not it has expired: to look at, not to use. */
  expiresAt(): number | undefined
  /** Fetches in the background what is due, if the token was used lately. To be called several times a second. */
  refreshIfDue(): void
  /** It may be worth nothing any more: it serves on while another is fetched, unless it came a moment ago. */
  doubt(): void
  /** @param refused the hash (SHA-256, base64url) of the token that an upstream refused */
  purge(refused: string): PurgeOutcome
}

export interface UpstreamTokensOptions {
  fetch: () => Promise<FetchedToken>
  /** ms since the epoch beyond which no token that is fetched now may be used. */
  notAfter?: () => number
  /** How long after its last use a token is fetched anew ahead of time. */
  idleMs: number
  /** Least time between two purges, and before a token is doubted. */
  purgeIntervalMs: number
  /** ms since the epoch */
  now: () => number
  /** In [0, 1): spreads the refreshes of many sidecars. */
  random?: () => number
  /** Told of failures that nobody waits for. */
  onFailure?(error: unknown): void
}

/** A new one is fetched when this part of the lifetime, less up to a tenth by chance, has passed. */
const refreshAt = 0.8
const maxMarginMs = 5_000
/** After a failure: in the background twice as long each time, and for those who wait the first. All up to half by chance. */
const retry = { firstMs: 1_000, maxMs: 30_000 }

export function createUpstreamTokens(options: UpstreamTokensOptions): UpstreamTokens {
  const { notAfter = () => Number.POSITIVE_INFINITY, idleMs, purgeIntervalMs, now, random = Math.random } = options
  let held: (UpstreamToken & { since: number; freshMs: number }) | undefined
  let fetching: Promise<UpstreamToken> | undefined
  let usedAt = Number.NEGATIVE_INFINITY
  let kept: { since: number; ms: number } | undefined
  let failed: { error: unknown; times: number; at: number; hopelessMs: number; backoffMs: number } | undefined

  const keep = ({ accessToken, scheme, boundTo, expiresIn }: FetchedToken, begun: number): UpstreamToken => {
    const lifetimeMs = expiresIn * 1_000
    // Counted from before the request, since the token may have been issued at any moment after that.
    const expiresAt = Math.min(begun + lifetimeMs - Math.min(maxMarginMs, lifetimeMs / 10), notAfter())
    if (now() >= expiresAt) throw new DependencyError('token endpoint', 'the token expired on its way')
    const freshMs = lifetimeMs * (refreshAt - random() / 10)
    held = { accessToken, scheme, boundTo, headerValue: `${scheme} ${accessToken}`, expiresAt, since: begun, freshMs }
    failed = undefined
    return held
  }

  const fail = (error: unknown): never => {
    const times = (failed?.times ?? 0) + 1
    const jitter = 0.5 + random() / 2
    const backoffMs = Math.min(retry.firstMs * 2 ** (times - 1), retry.maxMs) * jitter
    failed = { error, times, at: now(), hopelessMs: retry.firstMs * jitter, backoffMs }
    throw error
  }

  const fetch = (): Promise<UpstreamToken> => {
    const begun = now()
    fetching ??= options
      .fetch()
      .then((token) => keep(token, begun))
      .catch(fail)
      .finally(() => {
        fetching = undefined
      })
    return fetching
  }

  const inBackground = () => {
    fetch().catch((error: unknown) => options.onFailure?.(error))
  }

  /** The held token serves meanwhile, also where this fails. */
  const refreshWhereDue = (time: number) => {
    const isFresh = held !== undefined && isWithin(held.freshMs, held.since, time)
    if (fetching || isFresh || (failed && isWithin(failed.backoffMs, failed.at, time))) return
    inBackground()
  }

  const current = () => {
    const time = now()
    usedAt = time
    if (!held || time >= held.expiresAt) return undefined
    refreshWhereDue(time)
    return held
  }

  return {
    current,
    peek: () => (held && now() < held.expiresAt ? held : undefined),
    expiresAt: () => held?.expiresAt,
    async get() {
      const token = current()
      if (token) return token
      // It was asked a moment ago: the answer would be the same.
      if (!fetching && failed && isWithin(failed.hopelessMs, failed.at, now())) throw again(failed.error)
      return fetch()
    },
    refreshIfDue() {
      const time = now()
      if (time - usedAt < idleMs) refreshWhereDue(time)
    },
    doubt() {
      if (held && !isWithin(purgeIntervalMs, held.since, now())) held.freshMs = 0
    },
    purge(refused) {
      const time = now()
      if (!held || sha256(held.accessToken) !== refused) return 'not_current'
      // Where its successors are refused as well, the fault is not the token's.
      if (kept && isWithin(kept.ms, kept.since, time)) return 'too_soon'
      kept = { since: time, ms: purgeIntervalMs * (1 + random() / 2) }
      held = undefined
      inBackground()
      return 'purged'
    },
  }
}

/** A clock that was set back must not make a moment last for hours. */
function isWithin(ms: number, since: number, time: number): boolean {
  return time >= since && time - since < ms
}

function again(error: unknown): DependencyError {
  return new DependencyError('token endpoint', `a moment ago: ${safeReason(error)}`)
}
