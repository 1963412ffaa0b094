/** What becomes of signing keys, as it is recorded. */
import type { Event } from '../events/types.ts'
import type { KeyChange } from './rotation.ts'

const ofState = { next: undefined, active: 'key.activated', retired: 'key.retired' } as const

/** @param revoked the key that somebody revoked; others that are gone had come to their end */
export function keyEvents(changes: readonly KeyChange[], revoked?: string): Event[] {
  return changes.flatMap(({ before, after }): Event[] => {
    const key = after ?? before
    if (!key) return []
    const gone = key.kid === revoked ? 'key.revoked' : 'key.removed'
    const type = after ? ofState[after.state] : gone
    return type ? [{ type, kid: key.kid, algorithm: key.algorithm }] : []
  })
}
