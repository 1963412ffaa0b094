import type { Revocation, RevocationKind } from '@postern/protocol/revocation'
import { type Selectable, sql } from 'kysely'
import type { Tx } from './database.ts'
import { nextSequence } from './revocation-streams.ts'
import type { RevocationsTable } from './schema.ts'

export interface NewRevocation extends Revocation {
  /** Seconds since the epoch. */
  revokedAt: number
}

export interface StoredRevocation extends NewRevocation {
  /** Ascending in the order of commit. */
  sequence: number
}

/**
 * Adds a revocation. One of the same kind and value that is there already keeps its place if it covers the new one;
 * otherwise it is extended, and takes a new place at the end.
 */
export async function insertRevocation(
  tx: Tx,
  authServer: string,
  { kind, value, notBefore, expiresAt, revokedAt }: NewRevocation,
): Promise<void> {
  const sequence = String(await nextSequence(tx, authServer))
  const row = {
    auth_server_id: authServer,
    kind,
    value,
    not_before: notBefore === undefined ? null : toDate(notBefore),
    sequence,
    expires_at: toDate(expiresAt),
    revoked_at: toDate(revokedAt),
  }
  await tx
    .insertInto('revocations')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['auth_server_id', 'kind', 'value'])
        .doUpdateSet({
          not_before: sql<Date>`greatest(revocations.not_before, excluded.not_before)`,
          expires_at: sql<Date>`greatest(revocations.expires_at, excluded.expires_at)`,
          sequence,
          revoked_at: row.revoked_at,
        })
        .where(
          sql<boolean>`revocations.not_before < excluded.not_before or revocations.expires_at < excluded.expires_at`,
        ),
    )
    .execute()
}

export async function findRevocation(
  tx: Tx,
  authServer: string,
  kind: RevocationKind,
  value: string,
): Promise<StoredRevocation | undefined> {
  const row = await tx
    .selectFrom('revocations')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .where('kind', '=', kind)
    .where('value', '=', value)
    .executeTakeFirst()
  return row && toRevocation(row)
}

/** Until when tokens are revoked that were issued to the client or about the subject: seconds, or undefined where none are. */
export async function findCutoff(
  tx: Tx,
  authServer: string,
  client: string,
  subject: string,
): Promise<number | undefined> {
  const row = await tx
    .selectFrom('revocations')
    .select(({ fn }) => fn.max('not_before').as('not_before'))
    .where('auth_server_id', '=', authServer)
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple('kind', 'value'), 'in', [
        tuple<RevocationKind, string>('client', client),
        tuple<RevocationKind, string>('subject', subject),
      ]),
    )
    .executeTakeFirst()
  return row?.not_before ? toSeconds(row.not_before) : undefined
}

/**
 * The revocations after a sequence number that are still in force, oldest first.
 * @param now ms since the epoch
 */
export async function listRevocations(
  tx: Tx,
  authServer: string,
  { after, limit, now }: { after: number; limit: number; now: number },
): Promise<StoredRevocation[]> {
  const rows = await tx
    .selectFrom('revocations')
    .selectAll()
    .where('auth_server_id', '=', authServer)
    .where('sequence', '>', String(after))
    .where('expires_at', '>', new Date(now))
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(toRevocation)
}

function toRevocation(row: Selectable<RevocationsTable>): StoredRevocation {
  return {
    kind: row.kind,
    value: row.value,
    notBefore: row.not_before === null ? undefined : toSeconds(row.not_before),
    expiresAt: toSeconds(row.expires_at),
    revokedAt: toSeconds(row.revoked_at),
    // int8 comes as text from one driver and as a number from the other; it is exact up to 2^53 revocations.
    sequence: Number(row.sequence),
  }
}

function toDate(seconds: number): Date {
  return new Date(seconds * 1_000)
}

function toSeconds(date: Date): number {
  return date.getTime() / 1_000
}
