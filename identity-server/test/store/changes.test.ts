import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Change, createChanges } from '../../src/store/changes.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Changes over connections that the test makes fail and break. */
function connections() {
  const opened: { message(payload: string): void; lose(): void; stopped: boolean }[] = []
  const state = { refuse: false }
  const changes = createChanges(async (onMessage, onLost) => {
    if (state.refuse) throw new Error('refused')
    const connection = { message: onMessage, lose: onLost, stopped: false }
    opened.push(connection)
    return async () => {
      connection.stopped = true
    }
  })
  const heard: (Change | 'everything')[] = []
  changes.subscribe((change) => heard.push(change))
  return { changes, opened, state, heard }
}

test('listens anew after a loss, keeps trying, and then takes everything as changed', async () => {
  const { changes, opened, state, heard } = connections()
  await changes.start()
  expect(heard).toEqual(['everything'])
  state.refuse = true
  opened[0]?.lose()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(opened).toHaveLength(1)
  state.refuse = false
  await vi.advanceTimersByTimeAsync(500)
  expect(opened).toHaveLength(2)
  expect(heard).toEqual(['everything', 'everything'])
  opened[1]?.message('{"table":"t","auth_server":"a","client":null}')
  expect(heard.at(-1)).toEqual({ table: 't', authServer: 'a', client: null })
})

test('does not trust for ever what it cannot hear of', async () => {
  const { changes, opened, state, heard } = connections()
  await changes.start()
  state.refuse = true
  opened[0]?.lose()
  await vi.advanceTimersByTimeAsync(59_000)
  expect(heard).toEqual(['everything'])
  await vi.advanceTimersByTimeAsync(62_000)
  expect(heard).toEqual(['everything', 'everything', 'everything'])
  state.refuse = false
  await vi.advanceTimersByTimeAsync(500)
  expect(heard).toHaveLength(4)
  await vi.advanceTimersByTimeAsync(200_000)
  expect(heard).toHaveLength(4)
})

test('does not listen again once stopped, nor tell anything', async () => {
  const { changes, opened, heard } = connections()
  await changes.start()
  opened[0]?.lose()
  await changes.stop()
  await vi.advanceTimersByTimeAsync(100_000)
  expect(opened).toHaveLength(1)
  expect(heard).toEqual(['everything'])
})

test('stops the connection that it has', async () => {
  const { changes, opened } = connections()
  await changes.start()
  await changes.stop()
  expect(opened[0]?.stopped).toBe(true)
})

test('waits for a marker, also one that came before it was asked for', async () => {
  const { changes, opened, heard } = connections()
  await changes.start()
  const early = changes.expect('m1')
  opened[0]?.message('{"marker":"m1"}')
  await early.arrived()
  early.cancel()
  const late = changes.expect('m2')
  const arrived = late.arrived()
  opened[0]?.message('{"marker":"m2"}')
  await arrived
  late.cancel()
  expect(heard).toEqual(['everything'])
})

test('takes everything as changed where a marker does not come within a second of the commit', async () => {
  const { changes, heard } = connections()
  await changes.start()
  const expected = changes.expect('m')
  // A transaction may take its time: only what comes after it counts.
  await vi.advanceTimersByTimeAsync(5_000)
  expect(heard).toHaveLength(1)
  const arrived = expected.arrived()
  await vi.advanceTimersByTimeAsync(1_000)
  await arrived
  expected.cancel()
  expect(heard).toEqual(['everything', 'everything'])
})
