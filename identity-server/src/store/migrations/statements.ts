/**
 * Statements that every new table below an auth server needs. Migrations are built from them, so a landed function is
 * never changed in what it yields: what must differ gets a name of its own.
 */

/** Columns that tell when a row was made and last changed. */
export const times = `created_at timestamptz not null default now(), updated_at timestamptz not null default now()`

/** The tenant's column, with the rows gone when the auth server goes. */
export const authServerColumn = `auth_server_id text not null references auth_servers (id) on delete cascade`

/** The reference to a client, with the rows gone when the client goes. */
export const clientReference = `foreign key (auth_server_id, client_id) references clients (auth_server_id, id) on delete cascade`

/** Row-level security for a table whose rows belong to one auth server, for `postern_app`. */
export function secured(table: string): string[] {
  const own = `auth_server_id = current_setting('postern.auth_server', true)`
  return [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy tenant on ${table} to postern_app using (${own}) with check (${own})`,
    `grant select, insert, update, delete on ${table} to postern_app`,
  ]
}

/**
 * Tells the caches of every replica of each changed row, after migration 0003.
 * @param clientColumn the column that names the row's client, where only that client's entry is concerned
 */
export function notifying(table: string, clientColumn?: string): string[] {
  const arguments_ = ['auth_server_id', ...(clientColumn === undefined ? [] : [clientColumn])]
  return [
    `create trigger notify after insert or update or delete on ${table}
      for each row execute function notify_change(${arguments_.map((name) => `'${name}'`).join(', ')})`,
  ]
}

/** Lets maintenance see when rows expire and delete them, and nothing else of them, after migration 0003. */
export function sweepable(table: string): string[] {
  return [
    `create index ${table}_expires_at on ${table} (expires_at)`,
    `create policy sweep on ${table} to postern_maintenance using (true)`,
    `grant select (auth_server_id, expires_at), delete on ${table} to postern_maintenance`,
  ]
}
