import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createEventRecorder } from '../../src/events/recorder.ts'
import type { Event } from '../../src/events/types.ts'
import type { EventRow } from '../../src/store/events.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A recorder whose writer the test holds up, lets go, and makes lose rows. */
function useRecorder(capacity = 2_000) {
  const batches: (readonly EventRow[])[] = []
  const state = { held: undefined as Promise<void> | undefined, lost: 0 }
  const logged: string[] = []
  const recorder = createEventRecorder({
    async write(rows, signal) {
      const aborted = new Promise<'aborted'>((resolve) => signal.addEventListener('abort', () => resolve('aborted')))
      const ended = await Promise.race([state.held?.then(() => 'done'), signal.aborted ? 'aborted' : aborted])
      if (ended === 'aborted') return rows.length
      batches.push(rows)
      return state.lost
    },
    system: 'system',
    logger: pino({}, { write: (line: string) => void logged.push(line) }),
    now: Date.now,
    capacity,
  })
  const record = (from: number, to: number) => {
    for (let index = from; index < to; index += 1) recorder.record('a', issued(index))
  }
  const stored = () => batches.flat().map(({ type, data }) => (type === 'events.dropped' ? data.count : data.jti))
  return { recorder, batches, state, logged, record, stored }
}

const issued = (index: number): Event => ({ type: 'token.issued', grant_type: 'g', jti: String(index) })
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index))

test('gathers events for a while and stores them together, in their order', async () => {
  const { record, batches, stored, recorder } = useRecorder()
  record(0, 10)
  await vi.advanceTimersByTimeAsync(150)
  record(10, 20)
  expect(batches).toHaveLength(0)
  expect(recorder.counts()).toEqual({ waiting: 20, stored: 0, dropped: 0 })
  await vi.advanceTimersByTimeAsync(50)
  expect(batches).toHaveLength(1)
  expect(stored()).toEqual(numbers(0, 20))
  const ids = batches.flat().map(({ id }) => id)
  expect(ids).toEqual(ids.toSorted())
  expect(recorder.counts()).toEqual({ waiting: 0, stored: 20, dropped: 0 })
  record(20, 21)
  await vi.advanceTimersByTimeAsync(200)
  expect(stored()).toEqual(numbers(0, 21))
})

test('stores a full batch at once, and one batch after the other', async () => {
  const { record, batches, stored } = useRecorder()
  record(0, 1_200)
  await vi.advanceTimersByTimeAsync(0)
  expect(batches.map((batch) => batch.length)).toEqual([500, 500])
  await vi.advanceTimersByTimeAsync(200)
  expect(stored()).toEqual(numbers(0, 1_200))
})

test('drops and counts what finds no room, and tells of it once there is room again', async () => {
  const { record, stored, state, recorder, batches } = useRecorder(1_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  state.held = promise
  record(0, 1_300)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(recorder.counts()).toEqual({ waiting: 1_000, stored: 0, dropped: 300 })
  record(1_300, 1_400)
  expect(recorder.counts().dropped).toBe(400)
  resolve()
  state.held = undefined
  await vi.advanceTimersByTimeAsync(0)
  record(1_400, 1_401)
  await vi.advanceTimersByTimeAsync(200)
  expect(stored()).toEqual([...numbers(0, 1_000), 400, '1400'])
  expect(batches.flat().find(({ type }) => type === 'events.dropped')?.auth_server_id).toBe('system')
  expect(recorder.counts()).toEqual({ waiting: 0, stored: 1_002, dropped: 400 })
})

test('counts and tells of rows that the writer could not store', async () => {
  const { record, stored, state, recorder } = useRecorder()
  state.lost = 2
  record(0, 10)
  await vi.advanceTimersByTimeAsync(200)
  state.lost = 0
  await vi.advanceTimersByTimeAsync(200)
  expect(recorder.counts()).toEqual({ waiting: 0, stored: 9, dropped: 2 })
  expect(stored().at(-1)).toBe(2)
})

test('stores what waits when it closes, also behind a batch under way, and nothing afterwards', async () => {
  const { record, stored, state, recorder, logged } = useRecorder()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.held = promise
  record(0, 1_300)
  const closing = recorder.close()
  record(1_300, 1_301)
  await vi.advanceTimersByTimeAsync(500)
  resolve()
  await closing
  expect(stored()).toEqual([...numbers(0, 1_300), 1])
  expect(logged).toEqual([])
  record(1_301, 1_302)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(stored()).toHaveLength(1_301)
})

test('closes at its deadline where nothing can be stored, and says how many events were lost', async () => {
  const { record, state, recorder, logged } = useRecorder()
  state.held = new Promise(() => undefined)
  record(0, 700)
  const closing = recorder.close()
  await vi.advanceTimersByTimeAsync(1_000)
  await closing
  expect(recorder.counts().dropped).toBe(700)
  expect(logged.join('')).toContain('"events":700')
})

test('has nothing to wait for when nothing was recorded', async () => {
  const { recorder, batches } = useRecorder()
  await recorder.close()
  expect(batches).toEqual([])
})

test('keeps only the beginning of what a client sent at length', async () => {
  const { recorder, batches } = useRecorder()
  const long = 'x'.repeat(60_000)
  recorder.record('a', { type: 'token.issued', grant_type: 'g', jti: 'j', scope: long, client_id: long, subject: long })
  await vi.advanceTimersByTimeAsync(200)
  const [row] = batches.flat()
  expect([row?.client_id, row?.subject, row?.data.scope]).toEqual(Array(3).fill('x'.repeat(512)))
})

test('adds the trace of the request', async () => {
  const rows: EventRow[] = []
  const recorder = createEventRecorder({
    write: async (batch) => {
      rows.push(...batch)
      return 0
    },
    system: 'system',
    logger: pino({ level: 'silent' }),
    now: Date.now,
    traceId: () => '0af7651916cd43dd8448eb211c80319c',
  })
  recorder.record('a', issued(1))
  await recorder.close()
  expect(rows[0]?.data.trace_id).toBe('0af7651916cd43dd8448eb211c80319c')
})
