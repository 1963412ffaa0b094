import type { Insertable, Selectable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { GrantsTable } from './schema.ts'

export type GrantRow = Selectable<GrantsTable>

export type NewGrant = Omit<Insertable<GrantsTable>, 'auth_server_id'>

/** What a refresh changes. */
export type GrantUse = Pick<
  NewGrant,
  'token_hash' | 'used_at' | 'idle_until' | 'ends_at' | 'access_ends_at' | 'expires_at'
>

export async function insertGrant(tx: Tx, authServer: string, row: NewGrant): Promise<void> {
  await tx
    .insertInto('grants')
    .values({ ...row, auth_server_id: authServer })
    .execute()
}

export function findGrant(tx: Tx, authServer: string, id: string): Promise<GrantRow | undefined> {
  return tx
    .selectFrom('grants')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** @returns the row as it was, or undefined where there is none */
export function deleteGrant(tx: Tx, authServer: string, id: string): Promise<GrantRow | undefined> {
  return tx
    .deleteFrom('grants')
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

const deletedAtOnce = 10_000

/** Deletes the grants of a client or a subject that were made until then, a part at a time: there may be many. */
export async function deleteGrantsOf(
  tx: Tx,
  authServer: string,
  column: 'client_id' | 'subject',
  value: string,
  until: Date,
): Promise<void> {
  for (let more = true; more; ) {
    const some = tx
      .selectFrom('grants')
      .select('id')
      .where('auth_server_id', '=', authServer)
      .where(column, '=', value)
      .where('created_at', '<=', until)
      .limit(deletedAtOnce)
    const { numDeletedRows } = await tx
      .deleteFrom('grants')
      .where('auth_server_id', '=', authServer)
      .where('id', 'in', some)
      .executeTakeFirst()
    more = numDeletedRows === BigInt(deletedAtOnce)
  }
}

/** Whose grants: of a client, of a subject, of both, or all. */
export interface GrantFilter {
  client?: string | undefined
  subject?: string | undefined
}

export function listGrants(tx: Tx, authServer: string, filter: GrantFilter, page: Page): Promise<GrantRow[]> {
  const { client, subject } = filter
  return paginate(
    tx
      .selectFrom('grants')
      .selectAll()
      .where('auth_server_id', '=', authServer)
      .$if(client !== undefined, (query) => query.where('client_id', '=', client ?? ''))
      .$if(subject !== undefined, (query) => query.where('subject', '=', subject ?? '')),
    'id',
    page,
  ).execute()
}
