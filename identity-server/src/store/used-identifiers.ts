import type { Database } from './database.ts'

/**
 * Notes that an identifier has been used.
 * @param hash 32 bytes
 * @param now a row that has expired by then counts as unused
 * @returns whether nobody had used it before
 * @throws StoreError
 */
export async function useIdentifier(
  db: Pick<Database, 'call'>,
  authServer: string,
  hash: Uint8Array,
  expiresAt: Date,
  now: Date,
): Promise<boolean> {
  return (await db.call('use_identifier', authServer, hash, expiresAt, now)) === true
}
