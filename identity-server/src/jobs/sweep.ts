import type { Database } from '../store/database.ts'
import { deleteExpired, type ExpiringTable } from '../store/expired-rows.ts'
import { tryLock } from '../store/lock.ts'
import type { Job } from './job.ts'

/** To add one: `sweepable` in its migration, and its name here. */
export const sweptTables: readonly ExpiringTable[] = [
  'grants',
  'initial_access_tokens',
  'opaque_tokens',
  'revocations',
  'used_identifiers',
]

const batch = 5_000
/** A replica whose clock is late may still count a row as one that has not expired. */
const graceMs = 300_000

/** Deletes rows that have expired. */
export function sweep(db: Database): Job {
  return {
    name: 'sweep',
    intervalMs: 60_000,
    async run(now, signal) {
      for (const table of sweptTables) await sweepTable(db, table, new Date(now - graceMs), signal)
    },
  }
}

async function sweepTable(db: Database, table: ExpiringTable, before: Date, signal: AbortSignal): Promise<void> {
  let deleted = batch
  while (deleted >= batch && !signal.aborted) {
    deleted = await db.commit('maintenance', async (tx) =>
      // Another replica's sweep is as good as ours, and two would wait for each other's rows.
      (await tryLock(tx, `sweep ${table}`)) ? deleteExpired(tx, table, before, batch) : 0,
    )
  }
}
