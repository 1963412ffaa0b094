import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/** What maintenance may see, beyond 0004, to find rows that are encrypted under an old master key: under which one. */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `grant select (encryption_key) on client_secrets to postern_maintenance`,
  `create policy master_keys on attribute_sources for select to postern_maintenance using (true)`,
  `grant select (auth_server_id, encryption_key) on attribute_sources to postern_maintenance`,
]
