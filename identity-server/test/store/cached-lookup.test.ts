import { expect, test, vi } from 'vitest'
import { createCachedLookup } from '../../src/store/cached-lookup.ts'
import { type Change, type Changes, createChanges } from '../../src/store/changes.ts'

interface Row {
  key: string
}

/** A lookup over loads that the test settles, and changes that it tells. */
async function lookup(max = 100, maxAgeMs?: number) {
  let tell: (payload: string) => void = () => undefined
  const changes: Changes = createChanges(async (onMessage) => {
    tell = onMessage
    return async () => undefined
  })
  const loads: { key: string; settle: PromiseWithResolvers<Row | undefined> }[] = []
  const cache = createCachedLookup<Row>({
    changes,
    max,
    ...(maxAgeMs !== undefined && { maxAgeMs }),
    now: () => Date.now(),
    concerns: (change, authServer, id) => change.authServer === authServer && change.client === id,
    load: (authServer, id) => {
      const settle = Promise.withResolvers<Row | undefined>()
      loads.push({ key: `${authServer}/${id}`, settle })
      return settle.promise
    },
  })
  await changes.start()
  return {
    cache,
    loads,
    change: ({ authServer, client }: Pick<Change, 'authServer' | 'client'>) =>
      tell(JSON.stringify({ table: 't', auth_server: authServer, client })),
    unintelligible: () => tell('?'),
    async fill(authServer: string, id: string, value: Row | undefined) {
      const loading = cache.get(authServer, id)
      loads.at(-1)?.settle.resolve(value)
      return loading
    },
  }
}

test('asks once, however many ask at once, and then answers at once', async () => {
  const { cache, loads } = await lookup()
  const asked = [cache.get('a', 'x'), cache.get('a', 'x'), cache.get('a', 'x')]
  const row = { key: 'x' }
  loads[0]?.settle.resolve(row)
  expect(await Promise.all(asked)).toEqual([row, row, row])
  expect(loads).toHaveLength(1)
  expect(cache.get('a', 'x')).toBe(row)
})

test('keeps tenants apart', async () => {
  const { cache, loads, fill } = await lookup()
  await fill('a', 'x', { key: 'ax' })
  expect(await fill('b', 'x', { key: 'bx' })).toEqual({ key: 'bx' })
  expect(loads.map(({ key }) => key)).toEqual(['a/x', 'b/x'])
  expect(cache.get('a', 'x')).toEqual({ key: 'ax' })
})

test('remembers that something is absent, and no failure', async () => {
  const { cache, loads, fill } = await lookup()
  expect(await fill('a', 'x', undefined)).toBeUndefined()
  expect(cache.get('a', 'x')).toBeUndefined()
  expect(loads).toHaveLength(1)
  const failing = cache.get('a', 'y')
  loads.at(-1)?.settle.reject(new Error('down'))
  await expect(failing).rejects.toThrow('down')
  expect(await fill('a', 'y', { key: 'y' })).toEqual({ key: 'y' })
})

test('drops what changed, present or absent, and nothing else', async () => {
  const { cache, loads, fill, change } = await lookup()
  await fill('a', 'x', { key: 'old' })
  await fill('a', 'gone', undefined)
  await fill('b', 'x', { key: 'kept' })
  change({ authServer: 'a', client: 'x' })
  change({ authServer: 'a', client: 'gone' })
  expect(await fill('a', 'x', { key: 'new' })).toEqual({ key: 'new' })
  expect(await fill('a', 'gone', { key: 'there' })).toEqual({ key: 'there' })
  expect(cache.get('b', 'x')).toEqual({ key: 'kept' })
  expect(loads).toHaveLength(5)
})

test('does not keep what was loaded while it changed', async () => {
  const { cache, loads, change } = await lookup()
  const first = cache.get('a', 'x')
  change({ authServer: 'a', client: 'x' })
  const second = cache.get('a', 'x')
  expect(loads).toHaveLength(2)
  loads[1]?.settle.resolve({ key: 'new' })
  loads[0]?.settle.resolve({ key: 'old' })
  expect([await first, await second]).toEqual([{ key: 'old' }, { key: 'new' }])
  expect(cache.get('a', 'x')).toEqual({ key: 'new' })
})

test('drops everything on news that it does not understand', async () => {
  const { cache, loads, fill, unintelligible } = await lookup()
  await fill('a', 'x', { key: 'x' })
  unintelligible()
  void cache.get('a', 'x')
  expect(loads).toHaveLength(2)
})

test('is bounded, and a flood of absent ids displaces nothing that is present', async () => {
  const { cache, loads, fill } = await lookup(10)
  await fill('a', 'x', { key: 'x' })
  for (let index = 0; index < 50; index += 1) await fill('a', `invented-${index}`, undefined)
  expect(cache.get('a', 'x')).toEqual({ key: 'x' })
  const before = loads.length
  await fill('a', 'invented-0', undefined)
  expect(loads).toHaveLength(before + 1)
})

test('loads anew after its age, though nothing was heard', async () => {
  vi.useFakeTimers()
  try {
    const { cache, loads, fill } = await lookup(10, 1_000)
    await fill('a', 'x', { key: 'x' })
    vi.advanceTimersByTime(990)
    expect(cache.get('a', 'x')).toEqual({ key: 'x' })
    vi.advanceTimersByTime(20)
    void cache.get('a', 'x')
    expect(loads).toHaveLength(2)
  } finally {
    vi.useRealTimers()
  }
})
