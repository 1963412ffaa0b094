/**
 * The replay guard: what may be used once (a DPoP proof) is used once. With Redis, by all sidecars together; where that
 * cannot be known, it fails, and the request with it.
 */
import { DependencyError } from '../failures.ts'
import type { RedisConnection } from './redis/connection.ts'
import { sha256 } from './sha256.ts'

export interface ReplayGuard {
  /**
   * Uses a key: the identifier, and whose it is, since two may choose the same.
   * @param expiresAt until when whatever it identifies is accepted, in ms since the epoch, leeway included
   * @returns whether it had not been used before; false also where it has expired
   * @throws DependencyError where that cannot be known
   */
  use(key: string, expiresAt: number): Promise<boolean>
}

/** Keys are kept so long and no longer, or strangers would decide about the size of what is kept. */
const maxKeptMs = 3_600_000
/** Sidecars' clocks may differ by so much: one that is behind accepts what another takes for expired. */
const clocksDifferMs = 60_000

/**
 * The guard of all sidecars that share a Redis. Names are hashes without a secret: when that changes, what was used would
 * otherwise be unused again.
 */
export function createSharedReplayGuard(redis: RedisConnection, prefix: string, now: () => number): ReplayGuard {
  return withinBounds(now, async (key, expiresAt) => {
    // Where Redis makes room by forgetting, a proof could be used again.
    if (!(await redis.keepsAll()))
      throw new DependencyError('redis', 'evicts keys: maxmemory-policy must be noeviction')
    // A duration, not a time: Redis has a clock of its own.
    const keepMs = Math.ceil(expiresAt - now()) + clocksDifferMs
    const name = `${prefix}used:${sha256(key)}`
    return (await redis.run((commands) => commands.set(name, '', 'PX', keepMs, 'NX'))) === 'OK'
  })
}

/** The guard of one sidecar. @param maxEntries when so many are in force, nothing more can be remembered, and it fails */
export function createLocalReplayGuard(now: () => number, maxEntries = 500_000): ReplayGuard {
  const used = new Map<string, number>()
  const forgetExpired = (whole: boolean) => {
    for (const [key, expiresAt] of used) {
      if (expiresAt <= now()) used.delete(key)
      // Oldest first, and proofs live about equally long: most of what has expired stands at the front.
      else if (!whole) return
    }
  }
  return withinBounds(now, async (key, expiresAt) => {
    const hash = sha256(key)
    forgetExpired(false)
    if ((used.get(hash) ?? 0) > now()) return false
    if (used.size >= maxEntries) forgetExpired(true)
    if (used.size >= maxEntries) throw new DependencyError('replay guard', 'is full')
    used.delete(hash)
    used.set(hash, expiresAt)
    return true
  })
}

function withinBounds(now: () => number, use: ReplayGuard['use']): ReplayGuard {
  return {
    async use(key, expiresAt) {
      // What nothing keeps could be used twice.
      if (!(expiresAt > now())) return false
      if (expiresAt > now() + maxKeptMs) throw new DependencyError('replay guard', 'cannot remember for so long')
      return use(key, expiresAt)
    },
  }
}
