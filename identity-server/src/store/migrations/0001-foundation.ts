import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema.ts'

/**
 * Tenants, clients, keys and revocations. Row-level security is on from the first row: the services work as the role
 * `postern_app`, which sees what the transaction's settings name (database.ts) and, without them, nothing.
 */
export async function up(db: Kysely<Tables>): Promise<void> {
  for (const statement of [...tables, ...security, ...notifications]) await sql.raw(statement).execute(db)
}

const times = `created_at timestamptz not null default now(), updated_at timestamptz not null default now()`

const tables = [
  `create table organizations (
    id text primary key,
    parent_id text references organizations (id),
    ancestors text[] not null check (ancestors[array_length(ancestors, 1)] = id),
    name text not null check (name <> ''),
    ${times})`,
  `create index organizations_parent on organizations (parent_id)`,
  `create table auth_servers (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    organization_id text not null references organizations (id),
    name text not null check (name <> ''),
    description text not null,
    audience text not null check (audience <> ''),
    access_token_lifetime integer not null check (access_token_lifetime between 1 and 86400),
    signing_algorithm text not null check (signing_algorithm in ('ES256')),
    ${times})`,
  `create index auth_servers_organization on auth_servers (organization_id)`,
  `create table scopes (
    auth_server_id text not null references auth_servers (id) on delete cascade,
    name text not null check (name <> ''),
    description text not null,
    is_default boolean not null,
    include_in_metadata boolean not null,
    ${times},
    primary key (auth_server_id, name))`,
  `create table clients (
    auth_server_id text not null references auth_servers (id) on delete cascade,
    id text not null check (id <> ''),
    name text not null check (name <> ''),
    enabled boolean not null,
    grant_types text[] not null,
    token_endpoint_auth_methods text[] not null,
    audience text check (audience <> ''),
    access_token_lifetime integer check (access_token_lifetime between 1 and 86400),
    may_introspect boolean not null,
    ${times},
    primary key (auth_server_id, id))`,
  `create table client_scopes (
    auth_server_id text not null,
    client_id text not null,
    scope text not null,
    primary key (auth_server_id, client_id, scope),
    foreign key (auth_server_id, client_id) references clients (auth_server_id, id) on delete cascade,
    foreign key (auth_server_id, scope) references scopes (auth_server_id, name) on delete cascade)`,
  `create table client_secrets (
    auth_server_id text not null,
    id text not null,
    client_id text not null,
    name text not null,
    hash text not null,
    hash_key text not null,
    expires_at timestamptz,
    ${times},
    primary key (auth_server_id, id),
    foreign key (auth_server_id, client_id) references clients (auth_server_id, id) on delete cascade)`,
  `create index client_secrets_client on client_secrets (auth_server_id, client_id)`,
  `create table signing_keys (
    auth_server_id text not null references auth_servers (id) on delete cascade,
    kid text not null,
    algorithm text not null,
    state text not null check (state in ('next', 'active', 'retired')),
    public_key text not null,
    private_key bytea not null,
    encryption_key text not null,
    ${times},
    primary key (auth_server_id, kid))`,
  `create unique index signing_keys_one_active on signing_keys (auth_server_id, algorithm) where state = 'active'`,
  `create table revocations (
    auth_server_id text not null references auth_servers (id) on delete cascade,
    jti text not null,
    sequence bigint generated always as identity,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    primary key (auth_server_id, jti))`,
  `create unique index revocations_sequence on revocations (auth_server_id, sequence)`,
]

const ownOrganization = `current_setting('postern.organization', true) = any (ancestors)`
const ownAuthServer = (column: string) => `${column} = current_setting('postern.auth_server', true)`

const policies: Readonly<Record<string, string>> = {
  organizations: ownOrganization,
  // The inner select is itself filtered: it yields the organizations that this transaction may see.
  auth_servers: `${ownAuthServer('id')} or organization_id in (select o.id from organizations o)`,
  scopes: ownAuthServer('auth_server_id'),
  clients: ownAuthServer('auth_server_id'),
  client_scopes: ownAuthServer('auth_server_id'),
  client_secrets: ownAuthServer('auth_server_id'),
  signing_keys: ownAuthServer('auth_server_id'),
  revocations: ownAuthServer('auth_server_id'),
}

const security = [
  // Roles belong to the whole cluster, so another database of it may have created this one already.
  `do $$ begin
    create role postern_app nologin;
  exception when duplicate_object or unique_violation then null;
  end $$`,
  // The migrating user must be able to become postern_app; a superuser is allowed to anyway.
  `do $$ begin
    if not pg_has_role(current_user, 'postern_app', 'member') then
      execute format('grant postern_app to %I', current_user);
    end if;
  end $$`,
  ...Object.entries(policies).flatMap(([table, condition]) => [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy tenant on ${table} to postern_app using (${condition}) with check (${condition})`,
    `grant select, insert, update, delete on ${table} to postern_app`,
  ]),
]

/** Tables whose rows are cached by the services, with the expression that names the changed row's auth server. */
const cached: Readonly<Record<string, string>> = {
  auth_servers: 'changed.id',
  scopes: 'changed.auth_server_id',
  clients: 'changed.auth_server_id',
  client_scopes: 'changed.auth_server_id',
  client_secrets: 'changed.auth_server_id',
  signing_keys: 'changed.auth_server_id',
  revocations: 'changed.auth_server_id',
}

const client: Readonly<Record<string, string>> = {
  clients: 'changed.id',
  client_scopes: 'changed.client_id',
  client_secrets: 'changed.client_id',
}

// Done by the database, so that no writer can forget to tell the caches of every replica.
const notifications = Object.entries(cached).flatMap(([table, authServer]) => [
  `create function notify_${table}() returns trigger language plpgsql as $$
    declare changed ${table};
    begin
      if tg_op = 'DELETE' then changed := old; else changed := new; end if;
      perform pg_notify('postern_changes', json_build_object(
        'table', '${table}',
        'auth_server', ${authServer},
        'client', ${client[table] ?? 'null'})::text);
      return null;
    end $$`,
  `create trigger notify after insert or update or delete on ${table}
    for each row execute function notify_${table}()`,
])
