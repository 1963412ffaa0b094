/**
 * The numbers of an auth server's revocations. They ascend in the order of commit, within one stream; a database that was
 * wiped or made anew has another stream, and its numbers mean nothing to whoever knows those of the first.
 */
import { sql } from 'kysely'
import type { Tx } from './database.ts'

export interface RevocationStream {
  id: string
  /** The last number that was given. */
  lastSequence: number
}

/** The auth server's stream; undefined before its first revocation. */
export async function findRevocationStream(tx: Tx, authServer: string): Promise<RevocationStream | undefined> {
  const row = await tx
    .selectFrom('revocation_streams')
    .select(['stream_id', 'last_sequence'])
    .where('auth_server_id', '=', authServer)
    .executeTakeFirst()
  return row && { id: row.stream_id, lastSequence: Number(row.last_sequence) }
}

/**
 * The next number. Lets one transaction at a time past this point, until it ends: a reader that has seen a number then
 * knows that no smaller one can still be committed, so its cursor never passes over a revocation.
 */
export async function nextSequence(tx: Tx, authServer: string): Promise<number> {
  const { last_sequence } = await tx
    .insertInto('revocation_streams')
    .values({ auth_server_id: authServer, last_sequence: '1' })
    .onConflict((conflict) =>
      conflict
        .column('auth_server_id')
        .doUpdateSet({ last_sequence: sql<string>`revocation_streams.last_sequence + 1` }),
    )
    .returning('last_sequence')
    .executeTakeFirstOrThrow()
  return Number(last_sequence)
}
