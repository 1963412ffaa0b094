import { deleteAuditEntries } from '../store/audit-log.ts'
import type { Database } from '../store/database.ts'
import { dropEventsPartitions } from '../store/events.ts'
import type { Job } from './job.ts'

export interface Retention {
  /** Whole days. */
  eventDays: number
  auditDays: number
}

const day = 86_400_000

/** Forgets what was recorded long enough ago: events by the day, entries of the audit log one by one. */
export function forget(db: Database, { eventDays, auditDays }: Retention): Job {
  return {
    name: 'forget',
    intervalMs: 3_600_000,
    async run(now) {
      await db.commit('maintenance', (tx) => dropEventsPartitions(tx, now - eventDays * day))
      await db.commit('maintenance', (tx) => deleteAuditEntries(tx, now - auditDays * day))
    },
  }
}
