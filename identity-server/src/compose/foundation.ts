/** What everything stands on: the store, what replicas share, the master keys, and the way out to others. */
import type { Environment } from '../config.ts'
import { readMasterKeyFile } from '../keys/master-key-file.ts'
import { createMasterKeys, type MasterKeys } from '../keys/master-keys.ts'
import { readCaFile } from '../outgoing/ca-file.ts'
import { createOutgoingClient, type OutgoingClient } from '../outgoing/client.ts'
import type { Database } from '../store/database.ts'
import { openPglite } from '../store/pglite.ts'
import { openPostgres } from '../store/postgres.ts'
import { openRedis, type RedisStore } from '../store/redis.ts'

export interface Foundation {
  db: Database
  redis: RedisStore | undefined
  masterKeys: MasterKeys
  outgoing: OutgoingClient
  /** Whether the stores answer now. */
  ready(): Promise<boolean>
}

/**
 * Opens the store, brings it up to date, and gives it up where something fails before the server has started.
 * @param start the rest, which closes all of it once it has begun
 * @throws what `start` throws; Error where the store or a master key cannot be used
 */
export async function onFoundation<T>(
  environment: Environment,
  start: (foundation: Foundation) => Promise<T>,
): Promise<T> {
  const db = await openStore(environment)
  const redis = openSharedState(environment)
  try {
    const masterKeys = await openMasterKeys(environment)
    const outgoing = await openOutgoing(environment)
    return await start({ db, redis, masterKeys, outgoing, ready: () => answering(db, redis) })
  } catch (error) {
    await redis?.close()
    await db.close()
    throw error
  }
}

function openStore({ DATABASE_URL, POSTERN_DATA_DIR }: Environment): Promise<Database> {
  return DATABASE_URL ? openPostgres(DATABASE_URL) : openPglite(POSTERN_DATA_DIR)
}

function openSharedState({ REDIS_URL, POSTERN_REDIS_CLUSTER }: Environment): RedisStore | undefined {
  return REDIS_URL === undefined ? undefined : openRedis({ url: REDIS_URL, cluster: POSTERN_REDIS_CLUSTER })
}

async function openMasterKeys({ POSTERN_MASTER_KEYS, POSTERN_DATA_DIR }: Environment): Promise<MasterKeys> {
  return createMasterKeys(POSTERN_MASTER_KEYS?.split(',') ?? (await readMasterKeyFile(POSTERN_DATA_DIR)))
}

async function openOutgoing(environment: Environment): Promise<OutgoingClient> {
  const { POSTERN_OUTGOING_PRIVATE: allowPrivate, POSTERN_OUTGOING_CA_FILE: file } = environment
  return createOutgoingClient({ allowPrivate, ...(file !== undefined && { ca: await readCaFile(file) }) })
}

async function answering(...parts: ({ ping(): Promise<boolean> } | undefined)[]): Promise<boolean> {
  const answers = await Promise.all(parts.map((part) => part?.ping() ?? true))
  return answers.every(Boolean)
}
