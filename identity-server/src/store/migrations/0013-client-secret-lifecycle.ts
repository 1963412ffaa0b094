import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { authServerColumn, secured } from './statements.ts'

/**
 * Secrets that sign assertions are also kept encrypted; when each was last used is kept apart, so that a use is no change
 * that caches hear of; and whether its coming expiry has been told.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `alter table client_secrets
    add column ciphertext bytea,
    add column encryption_key text,
    add column expiry_told_at timestamptz,
    add check ((ciphertext is null) = (encryption_key is null))`,
  `create index client_secrets_expires_at on client_secrets (expires_at) where expires_at is not null`,
  `create policy schedule on client_secrets to postern_maintenance using (true)`,
  `grant select (auth_server_id, id, client_id, name, expires_at, expiry_told_at), update (expiry_told_at)
    on client_secrets to postern_maintenance`,
  `create table client_secret_uses (
    ${authServerColumn},
    secret_id text not null,
    last_used_at timestamptz not null,
    primary key (auth_server_id, secret_id),
    foreign key (auth_server_id, secret_id) references client_secrets (auth_server_id, id) on delete cascade)`,
  ...secured('client_secret_uses'),
  `create policy record on client_secret_uses to postern_maintenance using (true) with check (true)`,
  `grant select, insert, update on client_secret_uses to postern_maintenance`,
]
