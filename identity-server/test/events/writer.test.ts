import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEventIds } from '../../src/events/id.ts'
import { createEventRecorder } from '../../src/events/recorder.ts'
import { createEventWriter } from '../../src/events/writer.ts'
import type { Database } from '../../src/store/database.ts'
import { dropEventsPartitions, type EventRow, listEvents } from '../../src/store/events.ts'
import { databases, postgresOnly, type Store } from '../support/databases.ts'
import { insertAuthServerBelow } from '../support/rows.ts'

const ids = createEventIds()
const row = (jti: string, more: Partial<EventRow> = {}): EventRow => ({
  auth_server_id: 'a',
  ...ids(Date.now()),
  type: 'token.issued',
  data: { grant_type: 'g', jti },
  ...more,
})
const never = new AbortController().signal

function logs() {
  const lines: string[] = []
  return { lines, logger: pino({}, { write: (line: string) => void lines.push(line) }) }
}

describe.each(databases)('the writer of events on $kind', ({ start }) => {
  let store: Store
  let db: Database
  beforeAll(async () => {
    store = await start()
    db = await store.open(await store.create())
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  /** A writer, and rows of an auth server of its own. */
  async function useWriter(authServer: string) {
    await insertAuthServerBelow(db, 'root', authServer)
    const { lines, logger } = logs()
    const page = { after: undefined, limit: 1_000 }
    return {
      lines,
      write: createEventWriter(db, logger),
      row: (jti: string, more?: Partial<EventRow>) => row(jti, { auth_server_id: authServer, ...more }),
      async stored() {
        const events = await db.read({ authServer }, (tx) => listEvents(tx, authServer, {}, page))
        return events.map(({ data }) => data.jti).reverse()
      },
    }
  }

  test('stores a batch, whose days need not have a partition yet', async () => {
    const { write, row, stored } = await useWriter('days')
    expect(await write([row('1'), row('2')], never)).toBe(0)
    const midnight = Date.UTC(2100, 0, 2)
    expect(await write([row('3', ids(midnight - 1)), row('4', ids(midnight))], never)).toBe(0)
    expect(await stored()).toEqual(['1', '2', '3', '4'])
  })

  test('cleans what the database takes in no text: NUL and halves of surrogate pairs', async () => {
    const { write, row, stored, lines } = await useWriter('texts')
    const rows = [row('1'), row('\0'), row('x\uD800y'), row('ok', { subject: 'a\0b' }), row('2')]
    expect(await write(rows, never)).toBe(0)
    expect(lines).toEqual([])
    expect(await stored()).toEqual(['1', '\uFFFD', 'x\uFFFDy', 'ok', '2'])
  })

  test('stores all but the rows that the database refuses, and says which kind they were of', async () => {
    const { write, row, stored, lines } = await useWriter('refused')
    const bad = [0, 11, 12, 29]
    const rows = Array.from({ length: 30 }, (_, index) =>
      row(String(index), bad.includes(index) ? { id: 'no-uuid' } : {}),
    )
    expect(await write(rows, never)).toBe(4)
    expect(lines.filter((line) => line.includes('"type":"token.issued"'))).toHaveLength(4)
    const good = rows.flatMap((_, index) => (bad.includes(index) ? [] : [String(index)]))
    expect(await stored()).toEqual(good)
  })

  test('makes a partition again that was dropped under it', async () => {
    const { write, row, stored } = await useWriter('dropped')
    await write([row('1'), row('2')], never)
    await db.commit('maintenance', (tx) => dropEventsPartitions(tx, Date.now() + 2 * 86_400_000))
    expect(await write([row('3'), row('4')], never)).toBe(0)
    expect(await stored()).toEqual(['3', '4'])
  })
})

describe.each(postgresOnly)('the writer of events when $kind goes away', ({ start }) => {
  test('waits for it, loses nothing, repeats nothing, and tells of the outage once', async () => {
    const store = await start()
    try {
      const variables = await store.create()
      const db = await store.open(variables)
      const { lines, logger } = logs()
      const write = createEventWriter(db, logger)
      const recorder = createEventRecorder({ write, system: 'system', logger, now: Date.now, capacity: 5_000 })
      let sent = 0
      const send = (count: number) => {
        for (let index = 0; index < count; index += 1) {
          recorder.record('a', { type: 'token.issued', grant_type: 'g', jti: String(sent) })
          sent += 1
        }
      }
      // The crash comes while batches are under way.
      send(3_000)
      while (recorder.counts().stored === 0) await delay(1)
      await store.postgres?.crash()
      send(1_000)
      await delay(500)
      expect(recorder.counts().stored).toBeLessThan(3_500)
      await store.postgres?.restart()
      const deadline = Date.now() + 20_000
      while (recorder.counts().waiting > 0) {
        expect(Date.now()).toBeLessThan(deadline)
        await delay(20)
      }
      await recorder.close()
      await db.close()
      expect(recorder.counts()).toEqual({ waiting: 0, stored: sent, dropped: 0 })
      const rows = await store.query(variables, "select data ->> 'jti' as jti from events order by id")
      expect(rows.map(({ jti }) => jti)).toEqual(Array.from({ length: sent }, (_, index) => String(index)))
      expect(lines.filter((line) => line.includes('events wait'))).toHaveLength(1)
    } finally {
      await store.stop()
    }
  }, 60_000)
})
