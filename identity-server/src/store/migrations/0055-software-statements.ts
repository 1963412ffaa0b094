import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/** The software statement that a client registered with: what it says of the client stays as it says. */
export async function up(db: Kysely<Tables>): Promise<void> {
  await sql.raw('alter table client_registrations add column software_statement text').execute(db)
}
