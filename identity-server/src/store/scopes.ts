import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { ScopesTable } from './schema.ts'

export type ScopeRow = Selectable<ScopesTable>

export function findScope(tx: Tx, authServer: string, name: string): Promise<ScopeRow | undefined> {
  return tx
    .selectFrom('scopes')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .executeTakeFirst()
}

export function listScopes(tx: Tx, authServer: string, page: Page): Promise<ScopeRow[]> {
  return paginate(tx.selectFrom('scopes').selectAll().where('auth_server_id', '=', authServer), 'name', page).execute()
}

export function insertScope(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<ScopesTable>, 'auth_server_id'>,
): Promise<ScopeRow> {
  return tx
    .insertInto('scopes')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function updateScope(
  tx: Tx,
  authServer: string,
  name: string,
  change: Pick<Updateable<ScopesTable>, 'description' | 'is_default' | 'include_in_metadata'>,
): Promise<ScopeRow | undefined> {
  return tx
    .updateTable('scopes')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst()
}

/** Deletes the scope; clients that were allowed it no longer are. */
export async function deleteScope(tx: Tx, authServer: string, name: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('scopes')
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
