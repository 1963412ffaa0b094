/** What the change from one configuration to the next waits for, and how long at most. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ComposedPolicies } from './policies.ts'

const lookEveryMs = 25

/** What learns from the issuers. */
export type Learning = Pick<ComposedPolicies, 'keys' | 'feeds'>

/**
 * Settles once there are the keys of every issuer, and every feed knows what was revoked before it was started, so that no
 * request is refused for the change, and no revocation lost over it; or after `ms`: from then on the policies of an issuer
 * that does not answer say 503, as after a start.
 */
export async function learnt({ keys, feeds }: Learning, ms: number, signal: AbortSignal): Promise<void> {
  const isDone = () =>
    [...keys.values()].every((of) => of.known()) && [...feeds.values()].every((feed) => feed.synced())
  for (let waited = 0; waited < ms && !signal.aborted && !isDone(); waited += lookEveryMs) {
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
