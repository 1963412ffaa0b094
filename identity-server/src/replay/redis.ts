import type { RedisStore } from '../store/redis.ts'
import type { UsedIdentifiers } from './used-identifiers.ts'

/** Replicas' clocks may differ by so much: one that is behind accepts what another takes for expired. */
const clocksDifferMs = 60_000

/** Used identifiers in Redis: faster than a database, and as lasting as it was told to be. */
export function createRedisIdentifiers(redis: RedisStore): UsedIdentifiers {
  return {
    async use(authServer, hash, expiresAt, now) {
      const key = `postern:used:${authServer}:${hash.toString('base64url')}`
      // A duration, not a time: Redis has a clock of its own.
      const keepMs = Math.ceil(expiresAt - now) + clocksDifferMs
      return (await redis.run((commands) => commands.set(key, '', 'PX', keepMs, 'NX'))) === 'OK'
    },
  }
}
