import { expect, test } from 'vitest'
import { createPlaces } from '../../src/http/places.ts'

const limits = { inAll: 6, ofAuthServer: 4, ofClient: 2 }

test('each client, each auth server, and all together have so many places', () => {
  const places = createPlaces(limits)
  const taken = (authServer: string, client: string) => places.take(authServer, client) !== undefined
  expect([1, 2, 3].map(() => taken('a', 'one'))).toEqual([true, true, false])
  expect([1, 2, 3].map(() => taken('a', 'two'))).toEqual([true, true, false])
  expect(taken('a', 'three')).toBe(false)
  // A client of the same name at another auth server is another.
  expect([1, 2].map(() => taken('b', 'one'))).toEqual([true, true])
  expect(taken('c', 'one')).toBe(false)
})

test('a place that is given back can be taken again, once', () => {
  const places = createPlaces({ inAll: 1, ofAuthServer: 1, ofClient: 1 })
  const leave = places.take('a', 'one')
  expect(places.take('b', 'two')).toBeUndefined()
  leave?.()
  expect(places.take('b', 'two')).toBeDefined()
  expect(places.take('a', 'one')).toBeUndefined()
})
