import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { secured, sweepable } from './statements.ts'

/**
 * Identifiers (`jti`) of assertions and proofs that have been used, as hashes, until they expire. No reference to
 * `auth_servers`: it would lock that one row for every use, and what an auth server leaves behind expires by itself.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table used_identifiers (
    auth_server_id text not null,
    hash bytea not null check (length(hash) = 32),
    expires_at timestamptz not null,
    primary key (auth_server_id, hash))`,
  ...secured('used_identifiers'),
  ...sweepable('used_identifiers'),
  // Becomes the tenant itself, so that one round trip is enough; to be called in a transaction of its own. Of several
  // at once, the row lets one through: the others wait for it, and then find it unexpired.
  `create function use_identifier(tenant text, used bytea, expiry timestamptz, at timestamptz)
    returns boolean language plpgsql as $$
    begin
      perform set_config('role', 'postern_app', true), set_config('postern.auth_server', tenant, true);
      insert into used_identifiers as known (auth_server_id, hash, expires_at) values (tenant, used, expiry)
        on conflict (auth_server_id, hash) do update set expires_at = excluded.expires_at
          where known.expires_at <= at;
      return found;
    end $$`,
]
