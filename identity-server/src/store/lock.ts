import { sql } from 'kysely'
import type { Tx } from './database.ts'

/**
 * Lets one transaction at a time past this point, until it ends: for what must be counted, or numbered in the order of
 * commit, before it is written.
 * @param subject what is locked; whoever locks the same text waits
 */
export async function lock(tx: Tx, subject: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${subject}, 0))`.execute(tx)
}

/** Lets any number of transactions past this point, but none beside one that has locked the subject, until they end. */
export async function lockShared(tx: Tx, subject: string): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(hashtextextended(${subject}, 0))`.execute(tx)
}

/** As `lock`, but does not wait: false where another transaction is past this point. */
export async function tryLock(tx: Tx, subject: string): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${subject}, 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}
