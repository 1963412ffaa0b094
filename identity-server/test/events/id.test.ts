import { expect, test } from 'vitest'
import { createEventIds, firstEventId } from '../../src/events/id.ts'

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('are UUIDs of version 7 that begin with the time (RFC 9562 section 5.7)', () => {
  const { id, at } = createEventIds()(0x0123456789ab)
  expect(id).toMatch(uuidV7)
  expect(id.startsWith('01234567-89ab-7000-')).toBe(true)
  expect(at).toBe(0x0123456789ab)
})

test('ascend in the order in which they are made: within a millisecond, beyond its counter, and when the clock goes back', () => {
  const next = createEventIds()
  const made = [1_000, 1_000, 999, 1_001].map(next)
  for (let count = 0; count < 10_000; count += 1) made.push(next(1_001))
  made.push(next(5))
  const ids = made.map(({ id }) => id)
  expect(ids).toEqual(ids.toSorted())
  expect(new Set(ids).size).toBe(ids.length)
  for (const { id, at } of made) expect(id >= firstEventId(at) && id < firstEventId(at + 1)).toBe(true)
})

test('follow a clock that was far ahead and is set right', () => {
  const next = createEventIds()
  next(1_000_000)
  expect(next(900_000).at).toBe(900_000)
})

test('differ between processes that make them at the same time', () => {
  const [one, another] = [createEventIds(), createEventIds()]
  expect(one(1).id).not.toBe(another(1).id)
})
