import { sql } from 'kysely'
import type { Tx } from './database.ts'
import type { Tables } from './schema.ts'

/** Tables whose rows expire. */
export type ExpiringTable = {
  [Name in keyof Tables]: Tables[Name] extends { expires_at: unknown } ? Name : never
}[keyof Tables]

/**
 * Deletes the rows that expired first, on behalf of maintenance (`sweepable`, migrations/statements.ts).
 * @param before what expired by then goes
 * @param limit about as many as go at once; rows that expired at the same moment go together
 * @returns how many those were
 */
export async function deleteExpired(tx: Tx, table: ExpiringTable, before: Date, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from ${sql.table(table)} where expires_at <= coalesce(
      (select expires_at from ${sql.table(table)} where expires_at <= ${before} order by expires_at offset ${limit - 1} limit 1),
      ${before})`.execute(tx)
  return Number(numAffectedRows ?? 0n)
}
