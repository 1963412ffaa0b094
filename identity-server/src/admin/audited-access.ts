/** How operations reach the database: transactions on behalf of an admin, whose changes are entered into the audit log. */
import { differences } from '../audit/differences.ts'
import type { AuditLog } from '../audit/log.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { Event } from '../events/types.ts'
import type { NewAuditEntry } from '../store/audit-log.ts'
import type { Database, Tx } from '../store/database.ts'
import { lock } from '../store/lock.ts'
import { findOrganization, findOwner } from '../store/organizations.ts'
import { systemAuthServer } from '../tenancy/system.ts'
import type { Access } from './access.ts'
import type { Admin } from './authorize.ts'
import { type ChangeOf, changeEvent } from './change.ts'
import { Problem } from './problem.ts'

export interface AccessRequest {
  admin: Admin
  /** The auth server that the path names. */
  authServer: string | undefined
  /** Undefined: the request only reads. */
  change?: ChangeOf | undefined
}

export type OpenAccess = (request: AccessRequest) => Access

export interface AccessDeps {
  db: Database
  audit: Pick<AuditLog, 'enter'>
  events: Pick<EventRecorder, 'record'>
}

export function createAccess({ db, audit, events }: AccessDeps): OpenAccess {
  return ({ admin, authServer, change: asked }) => {
    const { organization } = admin
    const tenant = { organization, ...(authServer !== undefined && { authServer }) }

    return {
      organization,
      read: (work) =>
        db.read(tenant, async (tx) => {
          await ownerOf(tx, authServer)
          return work(tx)
        }),
      async change(work, newAuthServer) {
        if (!asked) throw new Error('a request that only reads must not change anything')
        const concerned = authServer ?? newAuthServer
        const told: Event[] = []
        const { result, entry } = await db.write(
          { organization, ...(concerned !== undefined && { authServer: concerned }) },
          async (tx) => {
            const complete = await beginEntry(tx, asked, organization, authServer)
            const result = await work(tx, (...more) => void told.push(...more))
            if (result === undefined || result === false) return { result, entry: undefined }
            const entry = await audit.enter(tx, {
              auth_server_id: concerned ?? null,
              actor: admin.clientId,
              actor_token: admin.tokenId,
              ...(await complete(result)),
            })
            return { result, entry }
          },
        )
        if (entry) {
          const event = changeEvent(asked, entry.target, admin.clientId, Object.keys(entry.changes))
          for (const each of [event, ...told]) events.record(concerned ?? systemAuthServer, each)
        }
        return result
      },
    }
  }
}

/** What the path's auth server belongs to. @throws Problem `not_found` where the admin's subtree does not hold it */
async function ownerOf(tx: Tx, authServer: string | undefined) {
  if (authServer === undefined) return undefined
  const owner = await findOwner(tx, authServer)
  if (!owner) throw new Problem('not_found', 'there is no such auth server')
  return owner
}

/**
 * Before a change: looks at what is there.
 * @returns what to call after it, with its result
 */
async function beginEntry(tx: Tx, change: ChangeOf, organization: string, authServer: string | undefined) {
  const within: Access = { organization, read: (work) => work(tx), change: (work) => work(tx, () => undefined) }
  const owner = await ownerOf(tx, authServer)
  // One change of an item at a time: what is there before it is then what it changes.
  if (change.target !== undefined) await lock(tx, `change of ${change.target}`)
  const before = await change.before(within)
  const ownerBefore = owner ?? (before && (await findOrganization(tx, change.organizationOf(before))))

  return async (result: unknown): Promise<Pick<NewAuditEntry, 'action' | 'target' | 'ancestors' | 'changes'>> => {
    const after = change.after(result)
    const concerned = ownerBefore ?? (after && (await findOrganization(tx, change.organizationOf(after))))
    if (!concerned) throw new Error('a change concerns no organization')
    return {
      action: `${change.resource}.${change.action}`,
      target: change.target ?? change.targetOf(after),
      ancestors: concerned.ancestors,
      changes: differences(before, after),
    }
  }
}
