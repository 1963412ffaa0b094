/**
 * The two stores that every test of stored behaviour runs on: `describe.each(databases)`. A store is a place for
 * databases; each server or test takes an empty one from it.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { type PostgresServer, postgresBinaries, startPostgres } from '@postern/tools/servers/postgres'
import { temporaryFolder } from '@postern/tools/servers/process'
import pg from 'pg'
import { generateMasterKey } from '../../src/keys/master-keys.ts'
import type { Database } from '../../src/store/database.ts'
import { openPglite } from '../../src/store/pglite.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { copyEmptyPglite } from './pglite-template.ts'

/** Environment variables that point a server at one database. */
export type StoreVariables = { POSTERN_DATA_DIR: string; DATABASE_URL?: string; POSTERN_MASTER_KEYS?: string }

/** All rows of all tables but `events`, as text, by table. */
export type Snapshot = Record<string, string[]>

export interface Store {
  readonly kind: Database['kind']
  /** Present where the store is a PostgreSQL server. */
  readonly postgres?: PostgresServer
  /** A new, empty database. */
  create(): Promise<StoreVariables>
  open(variables: StoreVariables): Promise<Database>
  /**
   * Runs SQL as the owner of the database, whom row-level security does not bind.
   * On PGlite nobody else may have the database open.
   */
  query(variables: StoreVariables, sql: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

export interface StoreKind {
  kind: Database['kind']
  start(): Promise<Store>
}

const pglite: StoreKind = {
  kind: 'pglite',
  async start() {
    const folder = await temporaryFolder('pglite')
    return {
      kind: 'pglite',
      async create() {
        const variables = await emptyFolder(folder.path)
        await copyEmptyPglite(join(variables.POSTERN_DATA_DIR, 'pglite'))
        return variables
      },
      open: (variables) => openPglite(variables.POSTERN_DATA_DIR),
      async query({ POSTERN_DATA_DIR }, sql) {
        const database = await PGlite.create({ dataDir: join(POSTERN_DATA_DIR, 'pglite') })
        try {
          return (await database.query<Record<string, unknown>>(sql)).rows
        } finally {
          await database.close()
        }
      },
      stop: () => folder.remove(),
    }
  },
}

const postgres: StoreKind = {
  kind: 'postgres',
  async start() {
    const folder = await temporaryFolder('postgres-store')
    const server = await startPostgres()
    let databases = 0
    return {
      kind: 'postgres',
      postgres: server,
      async create() {
        databases += 1
        const DATABASE_URL = await server.createDatabase(`test_${databases}`)
        return { ...(await emptyFolder(folder.path)), DATABASE_URL, POSTERN_MASTER_KEYS: generateMasterKey() }
      },
      open: (variables) => openPostgres(variables.DATABASE_URL ?? ''),
      async query({ DATABASE_URL }, sql) {
        const client = new pg.Client({ connectionString: DATABASE_URL })
        await client.connect()
        try {
          return (await client.query<Record<string, unknown>>(sql)).rows
        } finally {
          await client.end()
        }
      },
      async stop() {
        await server.stop()
        await folder.remove()
      },
    }
  },
}

async function installed(): Promise<StoreKind[]> {
  if (process.env.CI === 'true' || (await postgresBinaries())) return [pglite, postgres]
  process.stderr.write('SKIPPED: tests on PostgreSQL, because it is not installed\n')
  return [pglite]
}

/** The stores; with CI=true, PostgreSQL is among them even where it is missing, so that its tests fail. */
export const databases: readonly StoreKind[] = await installed()
/** PostgreSQL, or nothing where it is not installed: for what only a server can show. */
export const postgresOnly: readonly StoreKind[] = databases.filter((store) => store.kind === 'postgres')

/** All but `events`: those tell of refusals too, in their own time. */
const tables = [
  'organizations',
  'auth_servers',
  'scopes',
  'clients',
  'client_scopes',
  'client_secrets',
  'signing_keys',
  'revocation_streams',
  'revocations',
  'opaque_tokens',
  'trusted_issuers',
  'grants',
  'used_identifiers',
  'client_secret_uses',
  'client_registrations',
  'initial_access_tokens',
  'audit_log',
  'claims',
  'attribute_sources',
]

/** What the database holds, whoever's it is. See `Store.query` for PGlite. */
export async function snapshot(store: Store, variables: StoreVariables): Promise<Snapshot> {
  const parts = tables.map((table) => `select '${table}' as name, ${table}::text as row from ${table}`)
  const rows = await store.query(variables, `${parts.join(' union all ')} order by 1, 2`)
  const found: Snapshot = Object.fromEntries(tables.map((table) => [table, []]))
  for (const { name, row } of rows) found[String(name)]?.push(String(row))
  return found
}

async function emptyFolder(parent: string): Promise<StoreVariables> {
  const path = join(parent, String((await readdir(parent)).length))
  await mkdir(path, { mode: 0o700 })
  return { POSTERN_DATA_DIR: path }
}
