/**
 * The replay guard: what may be used once (assertions, proofs) is used once, however many replicas are asked at the same
 * time. Where that cannot be known, it fails, and the request with it.
 */
import { createHash } from 'node:crypto'
import type { Database } from '../store/database.ts'
import type { RedisStore } from '../store/redis.ts'
import { createDatabaseIdentifiers } from './database.ts'
import { createRedisIdentifiers } from './redis.ts'
import type { UsedIdentifiers } from './used-identifiers.ts'

export interface ReplayScope {
  /** The tenant. */
  authServer: string
  kind: 'client_assertion' | 'assertion' | 'dpop'
  /** Whose identifiers they are, since two may choose the same: a client, an issuer, the thumbprint of a key. */
  owner: string
}

export interface ReplayGuard {
  /**
   * Uses an identifier (`jti`).
   * @param expiresAt until when whatever it identifies is accepted, in ms since the epoch, leeway included; at most a
   *   day away
   * @returns whether it had not been used before; false also where it has expired
   * @throws StoreError `unavailable` where that cannot be known; RangeError for an expiry beyond a day
   */
  firstUse(scope: ReplayScope, identifier: string, expiresAt: number): Promise<boolean>
}

/** Identifiers are kept so long and no longer, or strangers would decide about the size of the store. */
export const maxKeptMs = 86_400_000

/**
 * The guard of this server and its replicas.
 * @param redis where there is one, it remembers in the place of the database
 * @param now ms since the epoch
 */
export function createReplayGuard(
  db: Pick<Database, 'call'>,
  redis: RedisStore | undefined,
  now: () => number,
): ReplayGuard {
  return createReplayGuardOn(redis ? createRedisIdentifiers(redis) : createDatabaseIdentifiers(db), now)
}

export function createReplayGuardOn(used: UsedIdentifiers, now: () => number): ReplayGuard {
  return {
    async firstUse({ authServer, kind, owner }, identifier, expiresAt) {
      const at = now()
      if (!(expiresAt <= at + maxKeptMs)) throw new RangeError('identifiers are kept for a day at most')
      // Nothing keeps what has expired, so of two uses both would be the first.
      if (expiresAt <= at) return false
      return used.use(authServer, hash(kind, owner, identifier), expiresAt, at)
    },
  }
}

/** Of one length, whatever strangers choose; as JSON, so that no two lists of parts look alike. */
function hash(...parts: string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}
