import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { AttributeSourcesTable } from './schema.ts'

export type AttributeSourceRow = Selectable<AttributeSourcesTable>

export function findAttributeSource(tx: Tx, authServer: string, name: string): Promise<AttributeSourceRow | undefined> {
  return tx
    .selectFrom('attribute_sources')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .executeTakeFirst()
}

export function listAttributeSources(tx: Tx, authServer: string, page: Page): Promise<AttributeSourceRow[]> {
  return paginate(
    tx.selectFrom('attribute_sources').selectAll().where('auth_server_id', '=', authServer),
    'name',
    page,
  ).execute()
}

export function insertAttributeSource(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<AttributeSourcesTable>, 'auth_server_id'>,
): Promise<AttributeSourceRow> {
  return tx
    .insertInto('attribute_sources')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function updateAttributeSource(
  tx: Tx,
  authServer: string,
  name: string,
  change: Omit<Updateable<AttributeSourcesTable>, 'auth_server_id' | 'name' | 'updated_at'>,
): Promise<AttributeSourceRow | undefined> {
  return tx
    .updateTable('attribute_sources')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst()
}

export async function deleteAttributeSource(tx: Tx, authServer: string, name: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('attribute_sources')
    .where('auth_server_id', '=', authServer)
    .where('name', '=', name)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
