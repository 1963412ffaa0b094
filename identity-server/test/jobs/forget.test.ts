import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEventIds, firstEventId } from '../../src/events/id.ts'
import { forget } from '../../src/jobs/forget.ts'
import { insertAuditEntry, listAuditEntries } from '../../src/store/audit-log.ts'
import type { Database } from '../../src/store/database.ts'
import { createEventsPartition, insertEvents, listEvents } from '../../src/store/events.ts'
import { databases, type Store } from '../support/databases.ts'
import { insertAuthServerBelow } from '../support/rows.ts'

const day = 86_400_000
const first = Date.UTC(2100, 0, 1)
const all = { after: undefined, limit: 100 }
const never = new AbortController().signal

describe.each(databases)('forgetting on $kind', ({ start }) => {
  let store: Store
  let db: Database

  beforeAll(async () => {
    store = await start()
    db = await store.open(await store.create())
    await insertAuthServerBelow(db, 'root', 'a')
    const ids = createEventIds()
    for (let number = 0; number < 5; number += 1) {
      const { id, at } = ids(first + number * day + day / 2)
      await db.commit('maintenance', async (tx) => {
        await createEventsPartition(tx, new Date(at).toISOString().slice(0, 10))
        await insertEvents(tx, [{ auth_server_id: 'a', id, at, type: 'token.issued', data: {} }])
      })
      const entry = {
        ancestors: ['root'],
        auth_server_id: 'a',
        actor: null,
        actor_token: null,
        action: 'x',
        target: 'x',
      }
      await db.commit({ organization: 'root' }, (tx) =>
        insertAuditEntry(tx, { ...entry, id, at: new Date(at), changes: {} }),
      )
    }
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  const events = () => db.read({ authServer: 'a' }, (tx) => listEvents(tx, 'a', { from: firstEventId(first) }, all))
  const entries = () => db.read({ organization: 'root' }, (tx) => listAuditEntries(tx, {}, all))
  const left = async () => [(await events()).length, (await entries()).length]

  test('drops days of events and entries of the audit log, each after its own time', async () => {
    const job = forget(db, { eventDays: 2, auditDays: 4 })
    const run = async (days: number) => {
      await job.run(first + days * day, never)
      return left()
    }
    expect(await run(0)).toEqual([5, 5])
    // A day goes once it has ended that long ago, not before.
    expect(await run(2.9)).toEqual([5, 5])
    expect(await run(3)).toEqual([4, 5])
    expect(await run(5)).toEqual([2, 4])
    // Twice, and on two replicas at once, is as well as once.
    await Promise.all([run(5), run(5)])
    expect(await left()).toEqual([2, 4])
    expect(await run(100)).toEqual([0, 0])
  })
})
