import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/** What holds from the organizations above, kept with each organization as with each auth server. */
export async function up(db: Kysely<Tables>): Promise<void> {
  await sql
    .raw(`alter table organizations add column inherited_limits jsonb not null default '{}'
      check (jsonb_typeof(inherited_limits) = 'object')`)
    .execute(db)
}
