import type { Tx } from './database.ts'

export interface OpaqueTokenRow {
  claims: unknown
  expires_at: Date
}

/** @param hash SHA-256 of the token */
export async function insertOpaqueToken(
  tx: Tx,
  authServer: string,
  row: { hash: Buffer; claims: object; expiresAt: Date },
): Promise<void> {
  await tx
    .insertInto('opaque_tokens')
    .values({
      auth_server_id: authServer,
      hash: row.hash,
      claims: JSON.stringify(row.claims),
      expires_at: row.expiresAt,
    })
    .execute()
}

export function findOpaqueToken(tx: Tx, authServer: string, hash: Buffer): Promise<OpaqueTokenRow | undefined> {
  return tx
    .selectFrom('opaque_tokens')
    .select(['claims', 'expires_at'])
    .where('auth_server_id', '=', authServer)
    .where('hash', '=', hash)
    .executeTakeFirst()
}
