import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { AuthServersTable } from './schema.ts'

export type AuthServerRow = Selectable<AuthServersTable>

export function findAuthServer(tx: Tx, id: string): Promise<AuthServerRow | undefined> {
  return tx.selectFrom('auth_servers').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The auth servers of the tenant's subtree, by id. */
export function listAuthServers(tx: Tx, page: Page): Promise<AuthServerRow[]> {
  return paginate(tx.selectFrom('auth_servers').selectAll(), 'id', page).execute()
}

export function insertAuthServer(tx: Tx, row: Insertable<AuthServersTable>): Promise<AuthServerRow> {
  return tx.insertInto('auth_servers').values(row).returningAll().executeTakeFirstOrThrow()
}

export function updateAuthServer(
  tx: Tx,
  id: string,
  change: Partial<Omit<Updateable<AuthServersTable>, 'id' | 'organization_id' | 'updated_at'>>,
): Promise<AuthServerRow | undefined> {
  return tx
    .updateTable('auth_servers')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

/** Deletes it with its scopes, clients, keys and revocations. */
export async function deleteAuthServer(tx: Tx, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('auth_servers').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** What the auth servers of an organization inherit; the one that is named keeps what it has. */
export async function updateInheritedLimits(tx: Tx, organization: string, limits: string, but: string): Promise<void> {
  await tx
    .updateTable('auth_servers')
    .set({ inherited_limits: limits })
    .where('organization_id', '=', organization)
    .where('id', '!=', but)
    .execute()
}

/** One of the organization's auth servers whose signing algorithm is not among these; undefined where there is none. */
export async function findOtherAlgorithm(
  tx: Tx,
  organization: string,
  algorithms: readonly string[],
  but: string,
): Promise<string | undefined> {
  const row = await tx
    .selectFrom('auth_servers')
    .select('id')
    .where('organization_id', '=', organization)
    .where('id', '!=', but)
    .where(sql<boolean>`not signing_algorithm = any (${[...algorithms]})`)
    .limit(1)
    .executeTakeFirst()
  return row?.id
}
