/** Rows that hold something encrypted under a master key, whose id is in their column `encryption_key`. */
import { type Selectable, sql } from 'kysely'
import type { Tx } from './database.ts'
import type { Page } from './page.ts'
import type { Tables } from './schema.ts'

/** Table → the column that holds the ciphertext, and the one that names the row within its auth server. */
const columns = {
  attribute_sources: { ciphertext: 'credential', key: 'name' },
  client_secrets: { ciphertext: 'ciphertext', key: 'id' },
  signing_keys: { ciphertext: 'private_key', key: 'kid' },
} as const satisfies { [Name in keyof Tables]?: { ciphertext: keyof Tables[Name]; key: keyof Tables[Name] } }

export type EncryptedTable = keyof typeof columns

export const encryptedTables: readonly EncryptedTable[] = ['attribute_sources', 'client_secrets', 'signing_keys']

export interface Encrypted {
  keyId: string
  ciphertext: Uint8Array
}

/** The auth servers, by id, that have rows under one of the keys, on behalf of maintenance. */
export async function listAuthServersUnderKeys(
  tx: Tx,
  table: EncryptedTable,
  keyIds: readonly string[],
  { after = '', limit }: Page,
): Promise<string[]> {
  const { rows } = await sql<{ auth_server_id: string }>`
    select distinct auth_server_id from ${sql.table(table)}
    where encryption_key = any(${keyIds}) and auth_server_id > ${after}
    order by auth_server_id limit ${limit}`.execute(tx)
  return rows.map((row) => row.auth_server_id)
}

/**
 * Encrypts anew what is under one of the keys.
 * @param convert from a row and what it holds to what it shall hold
 * @returns how many rows there were, at most `limit`
 */
export async function reencryptRows<Name extends EncryptedTable>(
  tx: Tx,
  table: Name,
  authServer: string,
  keyIds: readonly string[],
  convert: (row: Selectable<Tables[Name]>, old: Encrypted) => Encrypted,
  limit: number,
): Promise<number> {
  const { ciphertext, key } = columns[table]
  // Locked: what an admin replaces meanwhile must not be overwritten with what was there before.
  const { rows } = await sql<Selectable<Tables[Name]> & { old: Uint8Array; old_key: string; row_key: string }>`
    select *, ${sql.ref(ciphertext)} as old, encryption_key as old_key, ${sql.ref(key)} as row_key
    from ${sql.table(table)} where auth_server_id = ${authServer} and encryption_key = any(${keyIds})
    limit ${limit} for update`.execute(tx)
  for (const row of rows) {
    const fresh = convert(row, { keyId: row.old_key, ciphertext: row.old })
    await sql`update ${sql.table(table)} set ${sql.ref(ciphertext)} = ${fresh.ciphertext}, encryption_key = ${fresh.keyId}
      where auth_server_id = ${authServer} and ${sql.ref(key)} = ${row.row_key}`.execute(tx)
  }
  return rows.length
}

/** Rows of a table that need a master key. */
export interface MasterKeyUse {
  rows: EncryptedTable | 'client_secret_hashes'
  keyId: string
  count: number
}

/**
 * Which master keys are needed by what, on behalf of maintenance. Hashes of client secrets need theirs until they expire.
 * @param now ms since the epoch
 */
export async function countMasterKeyUses(tx: Tx, now: number): Promise<MasterKeyUse[]> {
  const tables = encryptedTables.map(
    (table) => sql`select ${sql.lit(table)} as rows, encryption_key as key from ${sql.table(table)}`,
  )
  const { rows } = await sql<{ rows: MasterKeyUse['rows']; key: string; count: string }>`
    select rows, key, count(*) as count from (
      ${sql.join(tables, sql` union all `)} union all
      select 'client_secret_hashes', hash_key from client_secrets where expires_at is null or expires_at > ${new Date(now)}
    ) as uses where key is not null group by rows, key`.execute(tx)
  return rows.map((row) => ({ rows: row.rows, keyId: row.key, count: Number(row.count) }))
}
