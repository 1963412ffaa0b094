import type { Selectable } from 'kysely'
import type { Tx } from './database.ts'
import type { Page } from './page.ts'
import type { AuditLogTable } from './schema.ts'

export type AuditEntryRow = Selectable<AuditLogTable>
export type NewAuditEntry = Omit<AuditEntryRow, 'changes'> & { changes: Readonly<Record<string, unknown>> }

export interface AuditFilter {
  authServer?: string | undefined
  actor?: string | undefined
  action?: string | undefined
  target?: string | undefined
  /** Ids: not before the first, and before the second. */
  from?: string | undefined
  to?: string | undefined
}

/** Enters what the same transaction changes. The tenant must be the organization concerned, or one above it. */
export async function insertAuditEntry(tx: Tx, entry: NewAuditEntry): Promise<void> {
  await tx
    .insertInto('audit_log')
    .values({ ...entry, changes: JSON.stringify(entry.changes) })
    .execute()
}

/** The entries of the tenant's subtree, newest first; `page.after` is the id of the last one of the page before. */
export function listAuditEntries(tx: Tx, filter: AuditFilter, page: Page): Promise<AuditEntryRow[]> {
  const { authServer, actor, action, target, from, to } = filter
  return tx
    .selectFrom('audit_log')
    .selectAll()
    .$if(authServer !== undefined, (query) => query.where('auth_server_id', '=', authServer ?? ''))
    .$if(actor !== undefined, (query) => query.where('actor', '=', actor ?? ''))
    .$if(action !== undefined, (query) => query.where('action', '=', action ?? ''))
    .$if(target !== undefined, (query) => query.where('target', '=', target ?? ''))
    .$if(from !== undefined, (query) => query.where('id', '>=', from ?? ''))
    .$if(to !== undefined, (query) => query.where('id', '<', to ?? ''))
    .$if(page.after !== undefined, (query) => query.where('id', '<', page.after ?? ''))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
}

/**
 * Deletes what was entered before a time, on behalf of maintenance.
 * @param before ms since the epoch
 */
export async function deleteAuditEntries(tx: Tx, before: number): Promise<void> {
  await tx.deleteFrom('audit_log').where('at', '<', new Date(before)).execute()
}
