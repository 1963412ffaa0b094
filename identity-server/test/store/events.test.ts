import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEventIds, firstEventId } from '../../src/events/id.ts'
import { deleteAuthServer } from '../../src/store/auth-servers.ts'
import type { Database, Tenant } from '../../src/store/database.ts'
import {
  createEventsPartition,
  dropEventsPartitions,
  type EventFilter,
  type EventRow,
  insertEvents,
  listEvents,
} from '../../src/store/events.ts'
import type { Page } from '../../src/store/page.ts'
import { databases, type Store } from '../support/databases.ts'
import { insertAuthServerBelow } from '../support/rows.ts'

const everything: Page = { after: undefined, limit: 1_000 }

describe.each(databases)('the table of events on $kind', ({ start }) => {
  let store: Store
  let db: Database
  const ids = createEventIds()

  const row = (authServer: string, at: number, more: Partial<EventRow> = {}): EventRow => ({
    auth_server_id: authServer,
    ...ids(at),
    type: 'token.issued',
    data: {},
    ...more,
  })
  const insert = (rows: EventRow[]) =>
    db.commit('maintenance', async (tx) => {
      for (const day of new Set(rows.map(({ at }) => new Date(at).toISOString().slice(0, 10)))) {
        await createEventsPartition(tx, day)
      }
      await insertEvents(tx, rows)
    })
  const list = (authServer: string, filter: EventFilter = {}, page = everything) =>
    db.read({ authServer }, (tx) => listEvents(tx, authServer, filter, page))
  const createAuthServer = (id: string) => insertAuthServerBelow(db, 'root', id)

  beforeAll(async () => {
    store = await start()
    db = await store.open(await store.create())
    for (const id of ['a', 'b', 'c']) await createAuthServer(id)
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  test('keeps what an event holds, and takes a batch of many auth servers, also twice', async () => {
    const at = Date.now() + 1_000
    const data = { grant_type: 'g', jti: 'j', active: true, count: 3, reason: 'quote " \\ \n é 😀' }
    const rows = [row('a', at, { client_id: 'c1', subject: 's1', data }), row('b', at), row('nobody', at)]
    await insert(rows)
    await insert(rows)
    const [stored, ...more] = await list('a')
    expect(more).toEqual([])
    expect(stored).toEqual({ ...rows[0], at: new Date(at) })
    expect(await list('b')).toHaveLength(1)
  })

  test('lists newest first, by pages, across days, and by each filter', async () => {
    const start = Date.now() + 3_600_000
    const rows = Array.from({ length: 60 }, (_, index) =>
      row('c', start + index * 3_600_000, {
        type: index % 2 === 0 ? 'token.issued' : 'token.refused',
        client_id: `client-${index % 3}`,
        subject: `subject-${index % 5}`,
      }),
    )
    await insert(rows)
    const newestFirst = rows.map(({ id }) => id).reverse()
    const seen: string[] = []
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await list('c', {}, { after, limit: 7 })
      if (page.length === 0) break
      seen.push(...page.map(({ id }) => id))
    }
    expect(seen).toEqual(newestFirst)

    const expectFiltered = async (filter: EventFilter, fits: (row: EventRow) => boolean) => {
      const expected = rows.filter(fits).map(({ id }) => id)
      expect((await list('c', filter)).map(({ id }) => id)).toEqual(expected.reverse())
    }
    await expectFiltered({ type: 'token.refused' }, ({ type }) => type === 'token.refused')
    await expectFiltered({ client: 'client-1' }, ({ client_id }) => client_id === 'client-1')
    await expectFiltered({ subject: 'subject-4' }, ({ subject }) => subject === 'subject-4')
    const [from, to] = [start + 10 * 3_600_000, start + 20 * 3_600_000]
    const between = { from: firstEventId(from), to: firstEventId(to) }
    await expectFiltered(between, ({ at }) => at >= from && at < to)
  })

  test('row-level security: an auth server sees its own, an organization and nobody see none', async () => {
    await insert([row('a', Date.now() + 1_000), row('b', Date.now() + 1_000)])
    const seen = (tenant: Tenant) =>
      db.read(tenant, async (tx) => {
        const { rows } = await sql<{ auth_server_id: string }>`select distinct auth_server_id from events`.execute(tx)
        return rows.map(({ auth_server_id }) => auth_server_id)
      })
    expect(await seen({ authServer: 'a' })).toEqual(['a'])
    expect(await seen({ organization: 'root' })).toEqual([])
    expect(await seen({ organization: '', authServer: '' })).toEqual([])
    expect(await seen({ organization: 'root', authServer: 'nobody' })).toEqual([])
  })

  test.each([
    "update events set type = 'changed'",
    'delete from events',
    'truncate events',
    "insert into events values ('a', gen_random_uuid(), now(), 't', null, null, '{}')",
    "select create_events_partition('2999-01-01')",
    'select drop_events_partitions(now())',
  ])('no tenant may %s', async (statement) => {
    await insert([row('a', Date.now() + 1_000)])
    const before = await list('a')
    const attempt = db.commit({ organization: 'root', authServer: 'a' }, (tx) => sql.raw(statement).execute(tx))
    await expect(attempt).rejects.toMatchObject({ kind: 'unknown_reference' })
    expect(await list('a')).toEqual(before)
  })

  test.each([
    'select type from events',
    "update events set type = 'changed'",
    'delete from events',
    'select * from audit_log',
    "update audit_log set action = 'changed'",
  ])('maintenance may not %s either', async (statement) => {
    const attempt = db.commit('maintenance', (tx) => sql.raw(statement).execute(tx))
    await expect(attempt).rejects.toMatchObject({ kind: 'unknown_reference' })
  })

  test('nobody reads a partition past the policies of the table', async () => {
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '')
    await insert([row('a', Date.now())])
    for (const tenant of [{ authServer: 'a' }, 'maintenance'] as const) {
      const attempt = db.read(tenant, (tx) => sql.raw(`select * from events_${day}`).execute(tx))
      await expect(attempt).rejects.toMatchObject({ kind: 'unknown_reference' })
    }
  })

  test('an auth server that takes the id of a deleted one does not see its events', async () => {
    await createAuthServer('again')
    await insert([row('again', 0, createEventIds()(Date.now()))])
    expect(await list('again')).toHaveLength(1)
    await db.write({ organization: 'root' }, (tx) => deleteAuthServer(tx, 'again'))
    expect(await list('again')).toHaveLength(0)
    await createAuthServer('again')
    expect(await list('again')).toHaveLength(0)
    await insert([row('again', Date.now() + 1_000)])
    expect(await list('again')).toHaveLength(1)
  })

  test('drops the days that ended before a time, and no other', async () => {
    const day = 86_400_000
    const first = Date.UTC(2100, 0, 1)
    await insert([row('b', first), row('b', first + day), row('b', first + 2 * day + 5)])
    const times = async () => (await list('b', { from: firstEventId(first) })).map(({ at }) => at.getTime()).reverse()
    const drop = (before: number) => db.commit('maintenance', (tx) => dropEventsPartitions(tx, before))
    expect(await times()).toHaveLength(3)
    await drop(first + day - 1)
    expect(await times()).toHaveLength(3)
    await drop(first + day)
    expect(await times()).toEqual([first + day, first + 2 * day + 5])
    expect(await drop(first + 2 * day)).toBe(1)
    expect(await times()).toEqual([first + 2 * day + 5])
    expect(await drop(first + 2 * day)).toBe(0)
    // The same day may come again: a clock that was wrong.
    await insert([row('b', first + 2 * day)])
  })

  test('writers that make the same partition at once do not fail', async () => {
    const at = Date.UTC(2101, 0, 1)
    await Promise.all(Array.from({ length: 8 }, () => insert([row('b', at)])))
    expect(await list('b', { from: firstEventId(at) })).toHaveLength(8)
  })
})
