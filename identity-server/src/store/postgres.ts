/** A PostgreSQL server (15 or newer), through a bounded pool and one connection that listens for changes. */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { createChanges } from './changes.ts'
import { type Database, openDatabase } from './database.ts'
import { countWaits } from './pool-counts.ts'
import { listenOn } from './postgres-listener.ts'
import type { Tables } from './schema.ts'

const connectWithinMs = 3_000
const statementWithinMs = 5_000

/**
 * @param url a `postgres://` connection string
 * @param poolSize most connections at once, the listening one not counted
 */
export async function openPostgres(url: string, poolSize = 10): Promise<Database> {
  const settings: pg.PoolConfig = {
    connectionString: url,
    connectionTimeoutMillis: connectWithinMs,
    statement_timeout: statementWithinMs,
    query_timeout: statementWithinMs + 1_000,
    idle_in_transaction_session_timeout: statementWithinMs,
    keepAlive: true,
    application_name: 'postern',
  }
  const pool = new pg.Pool({ ...settings, max: poolSize })
  // A connection that breaks is replaced by the pool, and a query on it fails by itself. But the event must be heard,
  // of idle connections and of those in use, between two queries of a transaction: unheard, it ends the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const counted = countWaits(pool)
  const dialect = new PostgresDialect({ pool: counted.pool, controlClient: pg.Client })
  const db = new Kysely<Tables>({ dialect })
  try {
    const database = await openDatabase('postgres', db, createChanges(listenOn(settings)), () => undefined)
    return { ...database, pool: counted.counts }
  } catch (error) {
    await db.destroy()
    throw error
  }
}
