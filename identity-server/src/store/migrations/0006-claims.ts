import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'
import { authServerColumn, notifying, secured, times } from './statements.ts'

/** Claims and the sources of attributes that they are made from. */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  // Values and configurations are JSON as text: jsonb would order their members anew.
  `create table claims (
    ${authServerColumn},
    name text not null check (name <> ''),
    description text not null,
    value text not null,
    condition text,
    placements text[] not null check (
      cardinality(placements) > 0 and placements <@ array['access_token', 'id_token', 'userinfo', 'introspection']),
    optional boolean not null,
    ${times},
    primary key (auth_server_id, name))`,
  `create table attribute_sources (
    ${authServerColumn},
    name text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    kind text not null check (kind in ('static', 'http')),
    configuration text not null,
    on_failure text not null check (on_failure in ('fail', 'omit')),
    credential bytea,
    encryption_key text,
    ${times},
    primary key (auth_server_id, name),
    check ((credential is null) = (encryption_key is null)))`,
  ...['claims', 'attribute_sources'].flatMap((table) => [...secured(table), ...notifying(table)]),
  // An auth server's transactions do not see the organizations above it, but its claims may hold their names.
  `create policy names on organizations for select to postern_maintenance using (true)`,
  `grant select (id, name, ancestors) on organizations to postern_maintenance`,
]
