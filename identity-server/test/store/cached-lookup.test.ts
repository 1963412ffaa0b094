import { expect, test, vi } from 'vitest'
import { type CachedLookupOptions, createCachedLookup } from '../../src/store/cached-lookup.ts'
import { type Change, type Changes, createChanges } from '../../src/store/changes.ts'

interface Row {
  key: string
}

/** A lookup over loads that the test settles, and changes that it tells. */
async function lookup({ max = 100, ...options }: Partial<CachedLookupOptions<Row>> = {}) {
  let tell: (payload: string) => void = () => undefined
  const changes: Changes = createChanges(async (onMessage) => {
    tell = onMessage
    return async () => undefined
  })
  const loads: { key: string; settle: PromiseWithResolvers<Row | undefined> }[] = []
  const cache = createCachedLookup<Row>({
    changes,
    max,
    now: () => Date.now(),
    entryPer: 'client',
    tables: ['t'],
    load: (authServer, id) => {
      const settle = Promise.withResolvers<Row | undefined>()
      loads.push({ key: `${authServer}/${id}`, settle })
      return settle.promise
    },
    ...options,
  })
  await changes.start()
  return {
    cache,
    loads,
    change: ({ table = 't', authServer, client }: Omit<Change, 'table'> & { table?: string }) =>
      tell(JSON.stringify({ table, auth_server: authServer, client })),
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

test('drops all clients of an auth server on a change that names none, and nothing of another', async () => {
  const { cache, loads, fill, change } = await lookup()
  await fill('a', 'x', { key: 'ax' })
  await fill('a', 'gone', undefined)
  await fill('ab', 'x', { key: 'abx' })
  change({ authServer: 'a', client: null })
  expect(await fill('a', 'x', { key: 'new' })).toEqual({ key: 'new' })
  expect(await fill('a', 'gone', { key: 'there' })).toEqual({ key: 'there' })
  expect(cache.get('ab', 'x')).toEqual({ key: 'abx' })
  expect(loads).toHaveLength(5)
})

test('entries of auth servers are dropped whichever client a change names', async () => {
  const { cache, loads, fill, change } = await lookup({ entryPer: 'auth server' })
  await fill('a', '', { key: 'a' })
  await fill('b', '', { key: 'b' })
  change({ authServer: 'a', client: 'x' })
  void cache.get('a')
  expect(cache.get('b')).toEqual({ key: 'b' })
  expect(loads.map(({ key }) => key)).toEqual(['a/', 'b/', 'a/'])
})

test('changes of other tables drop nothing', async () => {
  const { cache, fill, change } = await lookup()
  await fill('a', 'x', { key: 'x' })
  change({ table: 'other', authServer: 'a', client: 'x' })
  change({ table: 'other', authServer: 'a', client: null })
  expect(cache.get('a', 'x')).toEqual({ key: 'x' })
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
  const { cache, loads, fill } = await lookup({ max: 10 })
  await fill('a', 'x', { key: 'x' })
  for (let index = 0; index < 50; index += 1) await fill('a', `invented-${index}`, undefined)
  expect(cache.get('a', 'x')).toEqual({ key: 'x' })
  const before = loads.length
  await fill('a', 'invented-0', undefined)
  expect(loads).toHaveLength(before + 1)
})

test('loads anew after its age, though nothing was heard: never all at the same time', async () => {
  vi.useFakeTimers()
  try {
    const { cache, loads, fill } = await lookup({ maxAgeMs: 100_000 })
    for (let index = 0; index < 50; index++) await fill('a', `${index}`, { key: 'old' })
    const loadedAnew = (afterMs: number) => {
      vi.advanceTimersByTime(afterMs)
      const before = loads.length
      for (let index = 0; index < 50; index++) void cache.get('a', `${index}`)
      return loads.length - before
    }
    expect(loadedAnew(49_000)).toBe(0)
    const inBetween = loadedAnew(26_000)
    expect(inBetween).toBeGreaterThan(5)
    expect(inBetween).toBeLessThan(45)
    expect(loadedAnew(27_000)).toBe(50 - inBetween)
  } finally {
    vi.useRealTimers()
  }
})
