import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { TrustedIssuersTable } from './schema.ts'

export type TrustedIssuerRow = Selectable<TrustedIssuersTable>

const select = (tx: Tx, authServer: string) =>
  tx.selectFrom('trusted_issuers').selectAll().where('auth_server_id', '=', authServer)

export function findTrustedIssuer(tx: Tx, authServer: string, id: string): Promise<TrustedIssuerRow | undefined> {
  return select(tx, authServer).where('id', '=', id).executeTakeFirst()
}

export function listTrustedIssuers(tx: Tx, authServer: string, page: Page): Promise<TrustedIssuerRow[]> {
  return paginate(select(tx, authServer), 'id', page).execute()
}

/** @throws StoreError `conflict` where the issuer is there already */
export function insertTrustedIssuer(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<TrustedIssuersTable>, 'auth_server_id'>,
): Promise<TrustedIssuerRow> {
  return tx
    .insertInto('trusted_issuers')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function updateTrustedIssuer(
  tx: Tx,
  authServer: string,
  id: string,
  change: Pick<Updateable<TrustedIssuersTable>, 'name' | 'enabled' | 'settings'>,
): Promise<TrustedIssuerRow | undefined> {
  return tx
    .updateTable('trusted_issuers')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

export async function deleteTrustedIssuer(tx: Tx, authServer: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('trusted_issuers')
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
