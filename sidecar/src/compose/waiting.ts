/** What the change from one configuration to the next waits for, and how long at most. */
import { setTimeout as delay } from 'node:timers/promises'
import type { RevocationFeed } from '../remote/revocation-feed.ts'

const lookEveryMs = 25

/**
 * Settles once every feed knows what was revoked before it was started, so that no revocation is lost over a change; or
 * after `ms`: from then on the policies of a feed that does not answer say 503, as after a start.
 */
export async function synced(feeds: Iterable<RevocationFeed>, ms: number, signal: AbortSignal): Promise<void> {
  const all = [...feeds]
  for (let waited = 0; waited < ms && !signal.aborted && !all.every((feed) => feed.synced()); waited += lookEveryMs) {
    await pause(lookEveryMs, signal)
  }
}

/** Settles with the work, or after `ms`. */
export async function within(work: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController()
  await Promise.race([work, pause(ms, AbortSignal.any([signal, done.signal]))]).finally(() => done.abort())
}

function pause(ms: number, signal: AbortSignal): Promise<unknown> {
  return delay(ms, undefined, { signal }).catch(() => undefined)
}
