import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { ClaimsTable } from './schema.ts'

export type ClaimRow = Selectable<ClaimsTable>

export function findClaim(tx: Tx, authServer: string, name: string): Promise<ClaimRow | undefined> {
  return tx
    .selectFrom('claims')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .executeTakeFirst()
}

export function listClaims(tx: Tx, authServer: string, page: Page): Promise<ClaimRow[]> {
  return paginate(tx.selectFrom('claims').selectAll().where('auth_server_id', '=', authServer), 'name', page).execute()
}

export function insertClaim(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<ClaimsTable>, 'auth_server_id'>,
): Promise<ClaimRow> {
  return tx
    .insertInto('claims')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function updateClaim(
  tx: Tx,
  authServer: string,
  name: string,
  change: Omit<Updateable<ClaimsTable>, 'auth_server_id' | 'name' | 'updated_at'>,
): Promise<ClaimRow | undefined> {
  return tx
    .updateTable('claims')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst()
}

export async function deleteClaim(tx: Tx, authServer: string, name: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('claims')
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
