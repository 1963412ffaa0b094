/**
 * The audit log: who changed what, entered by the transaction of the change itself. Administrators come here through
 * `admin/audited-access.ts`; clients that manage themselves and the schedule have no other way either.
 */
import { createEventIds } from '../events/id.ts'
import type { ChangeType } from '../events/types.ts'
import { insertAuditEntry, type NewAuditEntry } from '../store/audit-log.ts'
import type { Tx } from '../store/database.ts'
import { findOwner } from '../store/organizations.ts'
import { differences, type Members } from './differences.ts'

export interface OwnChange {
  /** A client, or one of `actors.ts`. */
  actor: string
  action: ChangeType
  /** The path of the item on the admin API. */
  target: string
  before?: Members | undefined
  after?: Members | undefined
}

export interface AuditLog {
  enter(tx: Tx, change: Omit<NewAuditEntry, 'id' | 'at'>): Promise<NewAuditEntry>
  /**
   * Enters what was not done over the admin API.
   * @param tx on behalf of the organization that the auth server belongs to: row-level security compares with it
   */
  enterBelow(tx: Tx, authServer: string, change: OwnChange): Promise<void>
}

/** @param now ms since the epoch */
export function createAuditLog(now: () => number): AuditLog {
  const ids = createEventIds()

  const enter: AuditLog['enter'] = async (tx, change) => {
    const { id, at } = ids(now())
    const entry = { ...change, id, at: new Date(at) }
    await insertAuditEntry(tx, entry)
    return entry
  }

  return {
    enter,
    async enterBelow(tx, authServer, { actor, action, target, before, after }) {
      const owner = await findOwner(tx, authServer)
      if (!owner) throw new Error('a change concerns no organization')
      const changes = differences(before, after)
      const { ancestors } = owner
      await enter(tx, { ancestors, auth_server_id: authServer, actor, actor_token: null, action, target, changes })
    },
  }
}
