/**
 * The token for one upstream: fetched when first needed, fetched anew before it expires while the old one still
 * serves, one request at a time, and used until it expires where the token endpoint is down.
 */
import { DependencyError } from '../failures.ts'
import type { FetchToken } from './token-endpoint.ts'

export interface UpstreamToken {
  accessToken: string
  /** One string for all the cached decisions that carry it, since each would keep its own. */
  headerValue: string
  /** ms since the epoch, with a margin for the way to the upstream. */
  expiresAt: number
}

export interface UpstreamTokens {
  /** The token, where there is one that is valid now. */
  current(): UpstreamToken | undefined
  /** As `current`, or fetches one. @throws DependencyError */
  get(): Promise<UpstreamToken>
}

/** A new one is fetched when this part of the lifetime, less up to a tenth by chance, has passed. */
const refreshAt = 0.8
const retryAfterMs = 1_000
const maxMarginMs = 5_000

/** @param random in [0, 1): spreads the refreshes of many sidecars */
export function createUpstreamTokens(
  fetchToken: FetchToken,
  now: () => number,
  random: () => number = Math.random,
): UpstreamTokens {
  let held: (UpstreamToken & { refreshAfter: number }) | undefined
  let fetching: Promise<UpstreamToken> | undefined

  const fetch = () => {
    const begun = now()
    fetching ??= fetchToken()
      .then(({ accessToken, expiresIn }) => {
        const lifetimeMs = expiresIn * 1_000
        // Counted from before the request, since the token may have been issued at any moment after that.
        const expiresAt = begun + lifetimeMs - Math.min(maxMarginMs, lifetimeMs / 10)
        if (now() >= expiresAt) throw new DependencyError('token endpoint', 'the token expired on its way')
        const refreshAfter = begun + lifetimeMs * (refreshAt - random() / 10)
        held = { accessToken, headerValue: `Bearer ${accessToken}`, expiresAt, refreshAfter }
        return held
      })
      .finally(() => {
        fetching = undefined
      })
    return fetching
  }

  const current = () => {
    const time = now()
    if (!held || time >= held.expiresAt) return undefined
    if (time >= held.refreshAfter && !fetching) {
      // The held token serves meanwhile, also where this fails; then it is tried again a little later.
      held.refreshAfter = time + retryAfterMs * (1 + random())
      fetch().catch(() => undefined)
    }
    return held
  }

  return { current, get: async () => current() ?? fetch() }
}
