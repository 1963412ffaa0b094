/**
 * The life of a signing key: `next` (published, so that verifiers know it before they need it), `active` (signs),
 * `retired` (published until its last token has expired), removed. Each auth server has one active key, and at most one
 * next. Pure: which step is due follows from the keys, the settings and the time.
 */
import { maxTokenLifetime, metadataMaxAge } from '../lifetimes.ts'
import type { AuthServerRow } from '../store/auth-servers.ts'
import type { SigningKeyRow } from '../store/signing-keys.ts'

/** For what does not happen at once: replicas' caches (at most a minute, cached-lookup.ts), and clocks that differ. */
const slack = 120

/** ms that a key is published before it signs: as long as an old JWK Set may be kept by whoever verifies. */
export const publishedForMs = (metadataMaxAge + slack) * 1_000

/** ms that a key stays published after it has signed for the last time. */
export const retiredForMs = (maxTokenLifetime + slack) * 1_000

/** Seconds that a key may be told to sign. At the least, some 25 retired ones are published beside it. */
export const keyRotationInterval = { minimum: 3_600, maximum: 365 * 86_400 } as const

/** Most keys that an auth server may have before another rotation is asked for. */
export const maxKeys = 50

export type KeyTimes = Pick<SigningKeyRow, 'kid' | 'algorithm' | 'state' | 'activates_at' | 'removes_at'>
export type KeySettings = Pick<AuthServerRow, 'signing_algorithm' | 'key_rotation_interval'>

/** What is due, to be done in this order. */
export interface KeySteps<Key> {
  /** Retired keys whose tokens have expired, and a next key of an algorithm that is no longer wanted. */
  remove: Key[]
  /** The next key that takes over. */
  activate: Key | undefined
  /** Whether a next key is to be made and published. */
  publish: boolean
}

/** @param now ms since the epoch */
export function dueSteps<Key extends KeyTimes>(
  keys: readonly Key[],
  settings: KeySettings,
  now: number,
): KeySteps<Key> {
  const next = keys.find((key) => key.state === 'next')
  const wanted = next?.algorithm === settings.signing_algorithm ? next : undefined
  const expired = keys.filter(({ removes_at }) => removes_at !== null && removes_at.getTime() <= now)
  return {
    remove: next && !wanted ? [...expired, next] : expired,
    activate: wanted && wanted.activates_at.getTime() <= now ? wanted : undefined,
    publish: !wanted && keys.some((key) => key.state === 'active' && needsSuccessor(key, settings, now)),
  }
}

function needsSuccessor(active: KeyTimes, settings: KeySettings, now: number): boolean {
  if (active.algorithm !== settings.signing_algorithm) return true
  if (settings.key_rotation_interval === null) return false
  return active.activates_at.getTime() + settings.key_rotation_interval * 1_000 - publishedForMs <= now
}
