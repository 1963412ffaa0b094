import type { Insertable, Selectable } from 'kysely'
import type { Tx } from './database.ts'
import type { SigningKeysTable } from './schema.ts'

export type SigningKeyRow = Selectable<SigningKeysTable>

/** All keys of the auth server, newest first. */
export function listSigningKeys(tx: Tx, authServer: string): Promise<SigningKeyRow[]> {
  return tx
    .selectFrom('signing_keys')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .orderBy('created_at', 'desc')
    .execute()
}

export async function insertSigningKey(
  tx: Tx,
  authServer: string,
  row: Omit<Insertable<SigningKeysTable>, 'auth_server_id'>,
): Promise<void> {
  await tx
    .insertInto('signing_keys')
    .values({ ...row, auth_server_id: authServer })
    .execute()
}
