import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Tx } from './database.ts'
import { type Page, paginate } from './page.ts'
import type { SigningKeysTable } from './schema.ts'

export type SigningKeyRow = Selectable<SigningKeysTable>

const select = (tx: Tx, authServer: string) =>
  tx.selectFrom('signing_keys').selectAll().where('auth_server_id', '=', authServer)

/** All keys of the auth server: the active one, the next one, those that are retired, newest first. */
export function listSigningKeys(tx: Tx, authServer: string): Promise<SigningKeyRow[]> {
  return select(tx, authServer).orderBy('state').orderBy('activates_at', 'desc').execute()
}

/** Keys of the auth server, by `kid`. */
export function pageSigningKeys(tx: Tx, authServer: string, page: Page): Promise<SigningKeyRow[]> {
  return paginate(select(tx, authServer), 'kid', page).execute()
}

export function findSigningKey(tx: Tx, authServer: string, kid: string): Promise<SigningKeyRow | undefined> {
  return select(tx, authServer).where('kid', '=', kid).executeTakeFirst()
}

export function insertSigningKey(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<SigningKeysTable>, 'auth_server_id'>,
): Promise<SigningKeyRow> {
  return tx
    .insertInto('signing_keys')
    .values({ ...row, auth_server_id: authServer })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export function updateSigningKey(
  tx: Tx,
  authServer: string,
  kid: string,
  change: Omit<Updateable<SigningKeysTable>, 'auth_server_id' | 'kid' | 'updated_at'>,
): Promise<SigningKeyRow> {
  return tx
    .updateTable('signing_keys')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('auth_server_id', '=', authServer)
    .where('kid', '=', kid)
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function deleteSigningKeys(tx: Tx, authServer: string, kids: readonly string[]): Promise<void> {
  if (kids.length === 0) return
  await tx.deleteFrom('signing_keys').where('auth_server_id', '=', authServer).where('kid', 'in', kids).execute()
}

/**
 * The auth servers, by id, of which some key is due for its next step, as maintenance sees it. What that step is, is
 * decided elsewhere: here it matters that none is overlooked.
 * @param now ms since the epoch
 * @param publishedFor ms that a key is published before it signs
 */
export async function listAuthServersWithDueKeys(
  tx: Tx,
  now: number,
  publishedFor: number,
  { after = '', limit }: Page,
): Promise<string[]> {
  const { rows } = await sql<{ auth_server_id: string }>`
    select distinct key.auth_server_id
    from signing_keys as key
    join auth_servers as server on server.id = key.auth_server_id
    where key.auth_server_id > ${after} and case key.state
      when 'next' then key.activates_at <= ${new Date(now)}
      when 'retired' then key.removes_at <= ${new Date(now)}
      else key.activates_at + server.key_rotation_interval * interval '1 second' <= ${new Date(now + publishedFor)}
        and not exists (
          select from signing_keys as other
          where other.auth_server_id = key.auth_server_id and other.state = 'next')
      end
    order by key.auth_server_id
    limit ${limit}`.execute(tx)
  return rows.map((row) => row.auth_server_id)
}
