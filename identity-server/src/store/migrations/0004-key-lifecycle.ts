import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { sweepable } from './statements.ts'

/**
 * Signing keys that rotate: when they sign, when they go, how often that is. What maintenance may see to find the auth
 * servers whose keys are due, and the rows that still need an old master key: never a key or a hash. Revocations are
 * swept.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of [...authServers, ...signingKeys, ...forMaintenance, ...sweepable('revocations')]) {
    await sql.raw(statement).execute(db)
  }
}

const authServers = [
  `alter table auth_servers drop constraint auth_servers_signing_algorithm_check`,
  `alter table auth_servers add constraint auth_servers_signing_algorithm_check
    check (signing_algorithm in ('ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'))`,
  `alter table auth_servers add column key_rotation_interval integer default 7776000
    check (key_rotation_interval between 3600 and 31536000)`,
]

const signingKeys = [
  // By default and not by update: row-level security would hide the rows from one. Their age counts from here.
  `alter table signing_keys
    add column activates_at timestamptz not null default now(),
    add column retired_at timestamptz,
    add column removes_at timestamptz`,
  `alter table signing_keys alter column activates_at drop default`,
  `alter table signing_keys add constraint signing_keys_retired check (
    (state = 'retired') = (retired_at is not null) and (state = 'retired') = (removes_at is not null))`,
  `drop index signing_keys_one_active`,
  `create unique index signing_keys_one_active on signing_keys (auth_server_id) where state = 'active'`,
  `create unique index signing_keys_one_next on signing_keys (auth_server_id) where state = 'next'`,
]

const forMaintenance = [
  `create policy key_schedule on auth_servers for select to postern_maintenance using (true)`,
  `grant select (id, key_rotation_interval) on auth_servers to postern_maintenance`,
  `create policy key_schedule on signing_keys for select to postern_maintenance using (true)`,
  `grant select (auth_server_id, state, activates_at, removes_at, encryption_key) on signing_keys
    to postern_maintenance`,
  `create policy master_keys on client_secrets for select to postern_maintenance using (true)`,
  `grant select (hash_key, expires_at) on client_secrets to postern_maintenance`,
]
