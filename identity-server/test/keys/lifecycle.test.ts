import { describe, expect, test } from 'vitest'
import { dueSteps, type KeyTimes, publishedForMs, retiredForMs } from '../../src/keys/lifecycle.ts'
import { maxTokenLifetime, metadataMaxAge } from '../../src/lifetimes.ts'

const day = 86_400_000
const start = Date.parse('2030-01-01')
const settings = { signing_algorithm: 'ES256', key_rotation_interval: 90 * 86_400 }

const key = (kid: string, state: KeyTimes['state'], at: number, more: Partial<KeyTimes> = {}): KeyTimes => ({
  kid,
  algorithm: 'ES256',
  state,
  activates_at: new Date(at),
  removes_at: null,
  ...more,
})
const steps = (
  keys: KeyTimes[],
  now: number,
  more: Partial<typeof settings | { key_rotation_interval: null }> = {},
) => {
  const { remove, activate, publish } = dueSteps(keys, { ...settings, ...more }, now)
  return { remove: remove.map(({ kid }) => kid), activate: activate?.kid, publish }
}
const nothing = { remove: [], activate: undefined, publish: false }

describe('what is due', () => {
  test('a key is published longer than the JWK Set is cached, and retired longer than a token lasts', () => {
    expect(publishedForMs).toBeGreaterThanOrEqual((metadataMaxAge + 60) * 1_000)
    expect(retiredForMs).toBeGreaterThanOrEqual((maxTokenLifetime + 60) * 1_000)
  })

  test('nothing, for most of the time', () => {
    expect(steps([key('a', 'active', start)], start)).toEqual(nothing)
    expect(steps([key('a', 'active', start)], start + 90 * day - publishedForMs - 1)).toEqual(nothing)
  })

  test('a next key, so long before the active one has to go that it will be known by then', () => {
    expect(steps([key('a', 'active', start)], start + 90 * day - publishedForMs)).toEqual({ ...nothing, publish: true })
    expect(steps([key('a', 'active', start)], start + 900 * day)).toEqual({ ...nothing, publish: true })
  })

  test('no second next key, and none at all on schedule where the interval is null', () => {
    const keys = [key('a', 'active', start), key('n', 'next', start + 91 * day)]
    expect(steps(keys, start + 90 * day)).toEqual(nothing)
    expect(steps([key('a', 'active', start)], start + 9_000 * day, { key_rotation_interval: null })).toEqual(nothing)
  })

  test('the next key takes over at its time, not before', () => {
    const keys = [key('a', 'active', start), key('n', 'next', start + day)]
    expect(steps(keys, start + day - 1)).toEqual(nothing)
    expect(steps(keys, start + day)).toEqual({ ...nothing, activate: 'n' })
    expect(steps(keys, start + day, { key_rotation_interval: null })).toEqual({ ...nothing, activate: 'n' })
  })

  test('a retired key goes at its time, not before', () => {
    const keys = [key('a', 'active', start), key('r', 'retired', 0, { removes_at: new Date(start + day) })]
    expect(steps(keys, start + day - 1)).toEqual(nothing)
    expect(steps(keys, start + day)).toEqual({ ...nothing, remove: ['r'] })
  })

  test('a key of another algorithm, once that is asked for', () => {
    expect(steps([key('a', 'active', start)], start, { signing_algorithm: 'RS256' })).toEqual({
      ...nothing,
      publish: true,
    })
  })

  test('a next key of an algorithm that is no longer wanted goes, however due it is, and another comes where needed', () => {
    const keys = [key('a', 'active', start), key('n', 'next', start, { algorithm: 'RS256' })]
    expect(steps(keys, start)).toEqual({ ...nothing, remove: ['n'] })
    expect(steps(keys, start, { signing_algorithm: 'PS256' })).toEqual({ ...nothing, remove: ['n'], publish: true })
    expect(steps(keys, start, { signing_algorithm: 'RS256' })).toEqual({ ...nothing, activate: 'n' })
  })
})
