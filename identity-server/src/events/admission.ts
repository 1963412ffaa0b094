/** Which events are stored, of types that come in numbers: a sample of them, or so many per second. */
import type { EventType } from './types.ts'

/** Whether this one is stored. */
export type AdmitEvent = (authServer: string, type: EventType) => boolean

/** Types that anybody can cause without being a client: a flood of them must not fill the disk. Each, per auth server. */
const perSecond: Partial<Record<EventType, number>> = {
  'client.authentication_failed': 100,
  'registration.refused': 100,
}

/**
 * @param introspectionSample the share of introspections that is stored, from 0 to 1
 * @param now ms since the epoch
 */
export function createEventAdmission(introspectionSample: number, now: () => number): AdmitEvent {
  const shares: Partial<Record<EventType, number>> = {
    'client.authenticated': 0,
    'token.introspected': introspectionSample,
  }
  const admitted = new Map<string, number>()
  let second = 0

  return (authServer, type) => {
    const share = shares[type]
    if (share !== undefined) return Math.random() < share
    const limit = perSecond[type]
    if (limit === undefined) return true
    const current = Math.floor(now() / 1_000)
    if (current !== second) {
      second = current
      admitted.clear()
    }
    const key = `${type} ${authServer}`
    const count = (admitted.get(key) ?? 0) + 1
    admitted.set(key, count)
    return count <= limit
  }
}
