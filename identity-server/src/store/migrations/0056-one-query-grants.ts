import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/**
 * What a refresh asks of the database, in one round trip each: to find the grant, and to exchange its token. The functions
 * become the tenant themselves, so row-level security holds for what they read and change; each is to be called in a
 * transaction of its own.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const becomeTenant = `perform set_config('role', 'postern_app', true),
      set_config('postern.organization', '', true),
      set_config('postern.auth_server', tenant, true);`

const statements = [
  `create function find_grant(tenant text, sought text) returns jsonb language plpgsql as $$
    begin
      ${becomeTenant}
      return (select to_jsonb(held) from grants held where held.auth_server_id = tenant and held.id = sought);
    end $$`,
  // Of several at once with one token, the row lets one through: the others wait for it, and then find another token.
  `create function rotate_grant(tenant text, sought text, used bytea, next bytea, at timestamptz, idle timestamptz,
      ending timestamptz, access_ending timestamptz, expiry timestamptz) returns boolean language plpgsql as $$
    begin
      ${becomeTenant}
      update grants set token_hash = next, used_at = at, idle_until = idle, ends_at = ending,
        access_ends_at = greatest(access_ends_at, access_ending), expires_at = expiry
        where auth_server_id = tenant and id = sought and token_hash = used;
      return found;
    end $$`,
]
