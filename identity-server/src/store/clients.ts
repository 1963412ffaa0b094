import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { ClientsTable } from './schema.ts'

/** A client with the scopes that it may have. */
export type ClientRow = Selectable<ClientsTable> & { scopes: string[] }

type ClientColumns = Omit<Insertable<ClientsTable>, 'auth_server_id'>
type ClientChange = Partial<Omit<Updateable<ClientsTable>, 'auth_server_id' | 'id' | 'updated_at'>>

const scopes = sql<string[]>`array(select s.scope from client_scopes s
  where s.auth_server_id = clients.auth_server_id and s.client_id = clients.id order by s.scope)`.as('scopes')

const select = (tx: Tx, authServer: string) =>
  tx.selectFrom('clients').selectAll().select(scopes).where('auth_server_id', '=', authServer)

export function findClient(tx: Tx, authServer: string, id: string): Promise<ClientRow | undefined> {
  return select(tx, authServer).where('id', '=', id).executeTakeFirst()
}

export function listClients(tx: Tx, authServer: string, page: Page): Promise<ClientRow[]> {
  return paginate(select(tx, authServer), 'id', page).execute()
}

/** @throws StoreError `conflict` where the id is taken, `unknown_reference` where a scope does not exist */
export async function insertClient(
  tx: Tx,
  authServer: string,
  row: ClientColumns,
  allowedScopes: readonly string[],
): Promise<ClientRow> {
  const client = await tx
    .insertInto('clients')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
  return { ...client, scopes: await insertScopes(tx, authServer, client.id, allowedScopes) }
}

/** @param allowedScopes replaces the scopes that the client may have; undefined leaves them */
export async function updateClient(
  tx: Tx,
  authServer: string,
  id: string,
  change: ClientChange,
  allowedScopes?: readonly string[],
): Promise<ClientRow | undefined> {
  const { numUpdatedRows } = await tx
    .updateTable('clients')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return undefined
  if (allowedScopes) {
    await tx.deleteFrom('client_scopes').where('auth_server_id', '=', authServer).where('client_id', '=', id).execute()
    await insertScopes(tx, authServer, id, allowedScopes)
  }
  return findClient(tx, authServer, id)
}

/** Deletes the client with its secrets. */
export async function deleteClient(tx: Tx, authServer: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('clients')
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

async function insertScopes(tx: Tx, authServer: string, client: string, names: readonly string[]): Promise<string[]> {
  const distinct = [...new Set(names)].sort()
  if (distinct.length === 0) return []
  await tx
    .insertInto('client_scopes')
    .values(distinct.map((scope) => ({ auth_server_id: authServer, client_id: client, scope })))
    .execute()
  return distinct
}
