import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { authServerColumn, clientReference, secured, sweepable } from './statements.ts'

/** Which clients registered themselves, with what they said of themselves; and the tokens that allow it. */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table client_registrations (
    ${authServerColumn},
    client_id text not null,
    token_hash bytea not null,
    metadata jsonb not null check (jsonb_typeof(metadata) = 'object'),
    issued_at timestamptz not null,
    primary key (auth_server_id, client_id),
    ${clientReference})`,
  ...secured('client_registrations'),
  `create table initial_access_tokens (
    ${authServerColumn},
    id text not null,
    name text not null,
    hash bytea not null,
    uses_left integer not null check (uses_left >= 0),
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (auth_server_id, id),
    unique (auth_server_id, hash))`,
  ...secured('initial_access_tokens'),
  ...sweepable('initial_access_tokens'),
]
