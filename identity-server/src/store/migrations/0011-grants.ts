import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { authServerColumn, clientReference, secured, sweepable } from './statements.ts'

/**
 * Grants that outlast their first access token: a row each, changed in place at every refresh. No indexed column changes
 * with it but `expires_at`, which is rounded up to whole days, and pages keep room: so nearly every change stays within
 * its page and touches no index.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table grants (
    ${authServerColumn},
    id text collate "C" not null,
    client_id text not null,
    subject text not null,
    granted jsonb not null,
    confirmation jsonb,
    token_hash bytea not null,
    created_at timestamptz not null,
    used_at timestamptz not null,
    idle_until timestamptz not null,
    ends_at timestamptz not null,
    access_ends_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (auth_server_id, id),
    ${clientReference}) with (fillfactor = 80)`,
  `create index grants_client on grants (auth_server_id, client_id, id)`,
  `create index grants_subject on grants (auth_server_id, subject, id)`,
  ...secured('grants'),
  ...sweepable('grants'),
]
