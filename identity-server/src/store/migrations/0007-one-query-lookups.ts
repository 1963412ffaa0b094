import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/**
 * A client with all that its authentication needs, in one round trip: a transaction of a tenant takes four. The function
 * becomes the tenant itself, so row-level security holds for what it reads; to be called in a transaction of its own.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  await sql.raw(findClient).execute(db)
}

// Whole rows, so that columns to come need no new function.
const findClient = `create function find_client(tenant text, sought text) returns jsonb language plpgsql as $$
  begin
    perform set_config('role', 'postern_app', true),
      set_config('postern.organization', '', true),
      set_config('postern.auth_server', tenant, true);
    return (
      select to_jsonb(client) || jsonb_build_object(
        'scopes', (
          select coalesce(jsonb_agg(allowed.scope order by allowed.scope), '[]') from client_scopes allowed
          where allowed.auth_server_id = client.auth_server_id and allowed.client_id = client.id),
        'secrets', (
          select coalesce(jsonb_agg(to_jsonb(secret) order by secret.id), '[]') from client_secrets secret
          where secret.auth_server_id = client.auth_server_id and secret.client_id = client.id))
      from clients client
      where client.auth_server_id = tenant and client.id = sought);
  end $$`
