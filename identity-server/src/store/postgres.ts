/** A PostgreSQL server (15 or newer), through a bounded pool and one connection that listens for changes. */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { createChanges, type Listen } from './changes.ts'
import { type Database, openDatabase } from './database.ts'
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
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await openDatabase('postgres', db, createChanges(listenOn(settings)), () => undefined)
  } catch (error) {
    await db.destroy()
    throw error
  }
}

function listenOn(settings: pg.ClientConfig): Listen {
  return async (onMessage, onLost) => {
    const client = new pg.Client(settings)
    let ended = false
    const lost = () => {
      if (ended) return
      ended = true
      onLost()
    }
    client.on('error', lost)
    client.on('end', lost)
    client.on('notification', (message) => onMessage(message.payload ?? ''))
    try {
      await client.connect()
      await client.query('listen postern_changes')
    } catch (error) {
      ended = true
      // Not awaited: it may never settle for a connection that was never made.
      client.end().catch(() => undefined)
      throw error
    }
    return async () => {
      ended = true
      await client.end()
    }
  }
}
