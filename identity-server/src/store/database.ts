/**
 * The store: PostgreSQL, as a server or embedded. Every access is a transaction on behalf of one tenant, carried out
 * as the role `postern_app` (or `postern_maintenance`), so that row-level security holds on both. Store functions (one file per table) take the
 * tenant first and receive the transaction from here.
 */
import { randomUUID } from 'node:crypto'
import { type Kysely, sql, type Transaction } from 'kysely'
import { Migrator } from 'kysely/migration'
import { traced } from '../tracing.ts'
import type { Changes } from './changes.ts'
import { toStoreError } from './errors.ts'
import { migrations } from './migrations/list.ts'
import type { PoolCounts } from './pool-counts.ts'
import type { Tables } from './schema.ts'

/**
 * On whose behalf a transaction runs: an organization with its subtree, one auth server, or (to create one) both. Or
 * nobody's: `maintenance` sees rows of all tenants, but only the columns and actions that migrations granted it
 * (expiry, schedules, recording), never a secret.
 */
export type Tenant = { organization: string; authServer?: string } | { authServer: string } | 'maintenance'

export type Tx = Transaction<Tables>

/** Functions that migrations made to be called so. */
export type StoreFunction = 'use_identifier' | 'find_client' | 'find_grant' | 'rotate_grant'

export interface Database {
  readonly kind: 'postgres' | 'pglite'
  readonly changes: Changes
  /** Where connections come from a pool. */
  readonly pool?: PoolCounts
  /** Runs `work` in a transaction that sees the tenant's rows, and can change nothing. @throws StoreError */
  read<T>(tenant: Tenant, work: (tx: Tx) => Promise<T>): Promise<T>
  /** As `read`, and for changes of rows that no cache holds: when the promise resolves, they are durable. @throws StoreError */
  commit<T>(tenant: Tenant, work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * As `commit`, for rows that caches hold; when the promise resolves, the change is durable and the caches of this process have heard of it.
   * Other replicas hear of it within the time of a notification. @throws StoreError
   */
  write<T>(tenant: Tenant, work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Calls a function of the database in one round trip, and a transaction of its own: for what is asked too often for the
   * four of a transaction. It becomes the tenant itself (see its migration). When the promise resolves, what it did is
   * durable. @throws StoreError
   */
  call(name: StoreFunction, authServer: string, ...more: (string | Date | Uint8Array)[]): Promise<unknown>
  /** Whether the database answers now. */
  ping(): Promise<boolean>
  close(): Promise<void>
}

/** Builds the store on an open connection, after bringing the schema up to date. */
export async function openDatabase(
  kind: Database['kind'],
  db: Kysely<Tables>,
  changes: Changes,
  release: () => void,
): Promise<Database> {
  await migrate(db)
  await changes.start()

  const transact = async <T>(tenant: Tenant, work: (tx: Tx) => Promise<T>, readOnly = false): Promise<T> => {
    try {
      return await traced('transaction', { 'db.system.name': 'postgresql' }, () =>
        db.transaction().execute(async (tx) => {
          await become(tenant, tx, readOnly)
          return work(tx)
        }),
      )
    } catch (error) {
      throw toStoreError(error)
    }
  }

  return {
    kind,
    changes,
    read: (tenant, work) => transact(tenant, work, true),
    commit: transact,
    async write(tenant, work) {
      const marker = randomUUID()
      const heard = changes.expect(marker)
      try {
        const result = await transact(tenant, async (tx) => {
          const result = await work(tx)
          await sql`select pg_notify('postern_changes', ${JSON.stringify({ marker })})`.execute(tx)
          return result
        })
        await heard.arrived()
        return result
      } finally {
        heard.cancel()
      }
    },
    async call(name, authServer, ...more) {
      try {
        const call = sql<{ result: unknown }>`select ${sql.id(name)}(${sql.join([authServer, ...more])}) as result`
        return (await call.execute(db)).rows[0]?.result
      } catch (error) {
        throw toStoreError(error)
      }
    },
    ping: () =>
      sql`select 1`.execute(db).then(
        () => true,
        () => false,
      ),
    async close() {
      await changes.stop()
      await db.destroy()
      release()
    },
  }
}

async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: 'postern_migrations',
    migrationLockTableName: 'postern_migrations_lock',
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

async function become(tenant: Tenant, tx: Tx, readOnly: boolean): Promise<void> {
  const mode = sql`set_config('transaction_read_only', ${readOnly ? 'on' : 'off'}, true)`
  if (tenant === 'maintenance') {
    await sql`select ${mode}, set_config('role', 'postern_maintenance', true)`.execute(tx)
    return
  }
  const organization = 'organization' in tenant ? tenant.organization : ''
  const authServer = tenant.authServer ?? ''
  await sql`select ${mode}, set_config('role', 'postern_app', true),
    set_config('postern.organization', ${organization}, true),
    set_config('postern.auth_server', ${authServer}, true)`.execute(tx)
}
