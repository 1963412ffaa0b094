import type { Tx } from './database.ts'
import { lock } from './lock.ts'

export interface Revocation {
  /** Ascending in the order of commit. */
  sequence: number
  jti: string
  expiresAt: Date
  revokedAt: Date
}

/**
 * Adds a revocation, or leaves the one that is there. Forgets those of the auth server whose tokens have expired.
 * @param now ms since the epoch
 */
export async function insertRevocation(
  tx: Tx,
  authServer: string,
  revocation: { jti: string; expiresAt: Date },
  now: number,
): Promise<void> {
  // One writer at a time in each auth server: a reader that has seen a sequence number then knows that no smaller
  // one can still be committed, so its cursor never passes over a revocation.
  await lock(tx, `revocations of ${authServer}`)
  await tx
    .deleteFrom('revocations')
    .where('auth_server_id', '=', authServer)
    .where('expires_at', '<', new Date(now))
    .execute()
  await tx
    .insertInto('revocations')
    .values({ auth_server_id: authServer, jti: revocation.jti, expires_at: revocation.expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The revocations after a sequence number, oldest first. */
export async function listRevocations(tx: Tx, authServer: string, after: number, limit: number): Promise<Revocation[]> {
  const rows = await tx
    .selectFrom('revocations')
    .select(['jti', 'expires_at', 'created_at', 'sequence'])
    .where('auth_server_id', '=', authServer)
    .where('sequence', '>', String(after))
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    // int8 comes as text from one driver and as a number from the other; it is exact up to 2^53 revocations.
    sequence: Number(row.sequence),
    jti: row.jti,
    expiresAt: row.expires_at,
    revokedAt: row.created_at,
  }))
}
