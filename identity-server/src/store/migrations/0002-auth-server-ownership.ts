import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

const visible = `organization_id in (select o.id from organizations o)`

/**
 * An auth server may be written only into an organization that the transaction sees. Before, whoever named the auth
 * server as tenant could also put it below an organization of somebody else.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  await sql.raw(`alter policy tenant on auth_servers with check (${visible})`).execute(db)
}
