import { afterEach, describe, expect, test } from 'vitest'
import { DependencyError } from '../../src/failures.ts'
import { createLocalReplayGuard, createSharedReplayGuard } from '../../src/remote/replay-guard.ts'
import { addressOf, connectTo, eventually, redisInstalled, startRedis } from '../support/redis.ts'
import { createClock } from '../support/sidecar.ts'

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

async function shared(redisArguments: string[] = []) {
  const redis = await startRedis({ arguments: redisArguments })
  toClose.push(redis.stop)
  const clock = createClock()
  const guard = () => {
    const connection = connectTo([addressOf(redis)], {}, {}, clock.now)
    toClose.push(connection.close)
    return createSharedReplayGuard(connection, 'p:', clock.now)
  }
  return { redis, clock, guard }
}

const local = async () => {
  const clock = createClock()
  return { clock, guard: () => createLocalReplayGuard(clock.now) }
}

const guards: [kind: string, create: typeof local][] = [['local', local]]
if (redisInstalled) guards.push(['shared', shared])

describe.each(guards)('the %s replay guard', (_kind, create) => {
  test('lets a key be used by exactly one of those who use it at the same time', async () => {
    const { clock, guard } = await create()
    const one = guard()
    await eventually(() => one.use('first', clock.now() + 1_000))
    const uses = await Promise.all(Array.from({ length: 50 }, () => one.use('k', clock.now() + 60_000)))
    expect(uses.filter(Boolean)).toHaveLength(1)
    expect(await one.use('k', clock.now() + 60_000)).toBe(false)
    expect(await one.use('other', clock.now() + 60_000)).toBe(true)
  })

  test('lets nothing be used that has expired, or that could not be remembered for so long', async () => {
    const { clock, guard } = await create()
    const one = guard()
    for (const expiresAt of [clock.now(), clock.now() - 1, Number.NaN])
      expect(await one.use('k', expiresAt)).toBe(false)
    await expect(one.use('k', clock.now() + 86_400_000)).rejects.toThrow(DependencyError)
    await expect(one.use('k', Number.POSITIVE_INFINITY)).rejects.toThrow(DependencyError)
  })
})

describe('the local replay guard', () => {
  test('forgets what has expired, and fails where it is full of what has not', async () => {
    const clock = createClock()
    const guard = createLocalReplayGuard(clock.now, 10)
    // One that lives long stands before the others.
    expect(await guard.use('long', clock.now() + 300_000)).toBe(true)
    for (let index = 0; index < 9; index++) expect(await guard.use(`a${index}`, clock.now() + 60_000)).toBe(true)
    await expect(guard.use('b', clock.now() + 60_000)).rejects.toThrow('full')
    expect(await guard.use('a0', clock.now() + 60_000)).toBe(false)
    clock.advance(61)
    for (let index = 0; index < 9; index++) expect(await guard.use(`b${index}`, clock.now() + 60_000)).toBe(true)
    expect(await guard.use('long', clock.now() + 60_000)).toBe(false)
  })
})

describe.skipIf(!redisInstalled)('the shared replay guard', () => {
  test('is one for all sidecars', async () => {
    const { clock, guard } = await shared()
    const [one, two] = [guard(), guard()]
    await eventually(() => two.use('first', clock.now() + 1_000))
    expect(await eventually(() => one.use('k', clock.now() + 60_000))).toBe(true)
    expect(await two.use('k', clock.now() + 60_000)).toBe(false)
  })

  test('remembers a minute longer, for sidecars whose clocks are behind, and no longer', async () => {
    const { clock, guard, redis } = await shared()
    const one = guard()
    expect(await eventually(() => one.use('k', clock.now() + 10_000))).toBe(true)
    const ttl = Number(await redis.command('pttl', await redis.command('keys', '*')))
    expect(ttl).toBeGreaterThan(60_000)
    expect(ttl).toBeLessThanOrEqual(70_000)
  })

  test('fails where Redis is down, and where it may forget', async () => {
    const { clock, guard, redis } = await shared()
    const one = guard()
    await eventually(() => one.use('k', clock.now() + 60_000))
    await redis.crash()
    await expect(one.use('k2', clock.now() + 60_000)).rejects.toThrow(DependencyError)
    const evicting = await shared(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'])
    const two = evicting.guard()
    await eventually(() => expect(two.use('k', clock.now() + 60_000)).rejects.toThrow('evicts'))
  })

  test('notices within a minute, on the same connection, that Redis was told to evict, or no longer to', async () => {
    const { clock, guard, redis } = await shared()
    const one = guard()
    await eventually(() => one.use('a', clock.now() + 60_000))
    await redis.command('config', 'set', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru')
    clock.advance(61)
    await expect(one.use('b', clock.now() + 60_000)).rejects.toThrow('evicts')
    await redis.command('config', 'set', 'maxmemory-policy', 'noeviction')
    expect(await one.use('b', clock.now() + 60_000)).toBe(true)
  })

  test('fails where of a cluster no server is known', async () => {
    const [clock, connection] = [createClock(), connectTo(['127.0.0.1:1'], { topology: 'cluster' })]
    toClose.push(connection.close)
    const guard = createSharedReplayGuard(connection, 'p:', clock.now)
    for (let attempt = 0; attempt < 20; attempt++) {
      await expect(connection.keepsAll()).rejects.toThrow(DependencyError)
      await expect(guard.use('k', clock.now() + 60_000)).rejects.toThrow(DependencyError)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
})
