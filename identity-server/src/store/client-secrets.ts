import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { ClientSecretsTable } from './schema.ts'

export type ClientSecretRow = Selectable<ClientSecretsTable>

/** With when it was last used. */
export type UsedClientSecretRow = ClientSecretRow & { last_used_at: Date | null }

const lastUsedAt = sql<Date | null>`(select used.last_used_at from client_secret_uses used
  where used.auth_server_id = client_secrets.auth_server_id and used.secret_id = client_secrets.id)`.as('last_used_at')

const select = (tx: Tx, authServer: string, client: string) =>
  tx
    .selectFrom('client_secrets')
    .selectAll()
    .select(lastUsedAt)
    .where('auth_server_id', '=', authServer)
    .where('client_id', '=', client)

export function findClientSecret(
  tx: Tx,
  authServer: string,
  client: string,
  id: string,
): Promise<UsedClientSecretRow | undefined> {
  return select(tx, authServer, client).where('id', '=', id).executeTakeFirst()
}

export function listClientSecrets(
  tx: Tx,
  authServer: string,
  client: string,
  page: Page,
): Promise<UsedClientSecretRow[]> {
  return paginate(select(tx, authServer, client), 'id', page).execute()
}

export function insertClientSecret(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<ClientSecretsTable>, 'auth_server_id'>,
): Promise<ClientSecretRow> {
  return tx
    .insertInto('client_secrets')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function updateClientSecret(
  tx: Tx,
  authServer: string,
  client: string,
  id: string,
  change: Pick<Updateable<ClientSecretsTable>, 'name' | 'expires_at'>,
): Promise<UsedClientSecretRow | undefined> {
  await tx
    .updateTable('client_secrets')
    .set({
      ...change,
      // Of another end nothing has been told yet.
      ...(change.expires_at !== undefined && { expiry_told_at: null }),
      updated_at: sql<Date>`now()`,
    })
    .where('auth_server_id', '=', authServer)
    .where('client_id', '=', client)
    .where('id', '=', id)
    .execute()
  return findClientSecret(tx, authServer, client, id)
}

export async function deleteClientSecret(tx: Tx, authServer: string, client: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('client_secrets')
    .where('auth_server_id', '=', authServer)
    .where('client_id', '=', client)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export interface ExpiringSecret {
  auth_server_id: string
  id: string
  client_id: string
  expires_at: Date
}

/**
 * Secrets that are in force and whose end is nearer than one of the warnings that nobody was given yet; from now on they
 * count as told. As `maintenance`, of all tenants; replicas that ask at once are given different ones.
 * @param warnings ms before the end
 */
export async function takeExpiringSecrets(
  tx: Tx,
  now: Date,
  warnings: readonly number[],
  limit: number,
): Promise<ExpiringSecret[]> {
  const due = warnings.map((ms) => {
    const before = sql`make_interval(secs => ${ms / 1_000})`
    return sql`(expires_at <= ${now}::timestamptz + ${before}
      and (expiry_told_at is null or expiry_told_at < expires_at - ${before}))`
  })
  const { rows } = await sql<ExpiringSecret>`update client_secrets set expiry_told_at = ${now}
    where (auth_server_id, id) in (
      select auth_server_id, id from client_secrets
      where expires_at > ${now} and (${sql.join(due, sql` or `)})
      limit ${limit} for update skip locked)
    returning auth_server_id, id, client_id, expires_at`.execute(tx)
  return rows
}
