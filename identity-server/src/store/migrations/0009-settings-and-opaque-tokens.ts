import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { authServerColumn, secured, sweepable } from './statements.ts'

/** Settings of clients and auth servers as documents, limits of tenants, and a table for opaque access tokens. */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const document = (column: string) => `${column} jsonb not null default '{}' check (jsonb_typeof(${column}) = 'object')`

const statements = [
  `alter table clients add column ${document('settings')}`,
  `alter table auth_servers add column ${document('settings')}`,
  `alter table auth_servers add column ${document('limits')}`,
  // What holds from the organizations above, kept here so that one row tells all that a request needs.
  `alter table auth_servers add column ${document('inherited_limits')}`,
  `alter table organizations add column ${document('limits')}`,
  `create table opaque_tokens (
    ${authServerColumn},
    hash bytea not null,
    claims jsonb not null,
    expires_at timestamptz not null,
    primary key (auth_server_id, hash))`,
  ...secured('opaque_tokens'),
  ...sweepable('opaque_tokens'),
]
