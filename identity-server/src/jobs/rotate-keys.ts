import { schedule } from '../audit/actors.ts'
import type { AuditLog } from '../audit/log.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { ChangeAction } from '../events/types.ts'
import { keyEvents } from '../keys/events.ts'
import { publishedForMs } from '../keys/lifecycle.ts'
import type { MasterKeys } from '../keys/master-keys.ts'
import { keyMembers } from '../keys/members.ts'
import { advanceIdleKeys, type KeyChange } from '../keys/rotation.ts'
import { findAuthServer } from '../store/auth-servers.ts'
import type { Database } from '../store/database.ts'
import { listAuthServersWithDueKeys } from '../store/signing-keys.ts'
import { forEachAuthServer } from './each-auth-server.ts'
import type { Job } from './job.ts'

export interface RotationDeps {
  db: Database
  masterKeys: MasterKeys
  audit: Pick<AuditLog, 'enterBelow'>
  events: Pick<EventRecorder, 'record'>
}

/** Takes signing keys to the next step of their life, where one is due, and enters that into the audit log. */
export function rotateKeys({ db, masterKeys, audit, events }: RotationDeps): Job {
  const advance = async (authServer: string, now: number) => {
    const settings = await db.read({ authServer }, (tx) => findAuthServer(tx, authServer))
    if (!settings) return
    const changes = await db.write({ organization: settings.organization_id, authServer }, async (tx) => {
      const changes = await advanceIdleKeys(tx, authServer, masterKeys, now)
      for (const change of changes) await audit.enterBelow(tx, authServer, entryOf(authServer, change))
      return changes
    })
    for (const event of keyEvents(changes)) events.record(authServer, event)
  }

  return {
    name: 'rotate-keys',
    intervalMs: 60_000,
    run: (now, signal) =>
      forEachAuthServer(
        (page) => db.read('maintenance', (tx) => listAuthServersWithDueKeys(tx, now, publishedForMs, page)),
        (authServer) => advance(authServer, now),
        signal,
      ),
  }
}

function entryOf(authServer: string, { before, after }: KeyChange) {
  const kid = encodeURIComponent(String((after ?? before)?.kid))
  return {
    actor: schedule,
    action: `signing_key.${actionOf({ before, after })}` as const,
    target: `/auth-servers/${authServer}/keys/${kid}`,
    before: before && keyMembers(before),
    after: after && keyMembers(after),
  }
}

function actionOf({ before, after }: KeyChange): ChangeAction {
  if (!before) return 'created'
  if (!after) return 'deleted'
  // As an administrator's rotation is called: the key that takes over.
  return after.state === 'active' ? 'rotated' : 'updated'
}
