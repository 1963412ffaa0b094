import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { InitialAccessTokensTable } from './schema.ts'

export type InitialAccessTokenRow = Selectable<InitialAccessTokensTable>

const select = (tx: Tx, authServer: string) =>
  tx.selectFrom('initial_access_tokens').selectAll().where('auth_server_id', '=', authServer)

export function findInitialAccessToken(tx: Tx, authServer: string, id: string) {
  return select(tx, authServer).where('id', '=', id).executeTakeFirst()
}

export function listInitialAccessTokens(tx: Tx, authServer: string, page: Page): Promise<InitialAccessTokenRow[]> {
  return paginate(select(tx, authServer), 'id', page).execute()
}

/** The id of a token that can be used now, without using it. @param hash SHA-256 of the token */
export async function findUsableInitialAccessToken(
  tx: Tx,
  authServer: string,
  hash: Buffer,
  now: Date,
): Promise<string | undefined> {
  const row = await select(tx, authServer).where('hash', '=', hash).executeTakeFirst()
  return row !== undefined && row.uses_left > 0 && row.expires_at > now ? row.id : undefined
}

/**
 * Uses the token once: of any number of attempts, in whatever process, no more succeed than it has uses left.
 * @param hash SHA-256 of the token
 * @returns its id, where there was a use left
 */
export async function useInitialAccessToken(
  tx: Tx,
  authServer: string,
  hash: Buffer,
  now: Date,
): Promise<string | undefined> {
  const row = await tx
    .updateTable('initial_access_tokens')
    .set({ uses_left: sql<number>`uses_left - 1`, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('hash', '=', hash)
    .where('uses_left', '>', 0)
    .where('expires_at', '>', now)
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

export function insertInitialAccessToken(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<InitialAccessTokensTable>, 'auth_server_id'>,
): Promise<InitialAccessTokenRow> {
  return tx
    .insertInto('initial_access_tokens')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function updateInitialAccessToken(
  tx: Tx,
  authServer: string,
  id: string,
  change: Pick<Updateable<InitialAccessTokensTable>, 'name' | 'uses_left' | 'expires_at'>,
): Promise<InitialAccessTokenRow | undefined> {
  return tx
    .updateTable('initial_access_tokens')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

export async function deleteInitialAccessToken(tx: Tx, authServer: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('initial_access_tokens')
    .where('auth_server_id', '=', authServer)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
