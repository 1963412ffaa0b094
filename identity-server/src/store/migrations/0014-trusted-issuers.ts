import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { authServerColumn, notifying, secured, times } from './statements.ts'

/** Issuers of others, whose assertions and tokens an auth server accepts. */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table trusted_issuers (
    ${authServerColumn},
    id text not null,
    issuer text not null check (issuer <> ''),
    name text not null check (name <> ''),
    enabled boolean not null,
    settings jsonb not null check (jsonb_typeof(settings) = 'object'),
    ${times},
    primary key (auth_server_id, id),
    unique (auth_server_id, issuer))`,
  ...secured('trusted_issuers'),
  ...notifying('trusted_issuers'),
]
