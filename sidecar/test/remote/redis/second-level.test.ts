/** The second level against real servers: alone, behind Sentinel, as a cluster; killed, frozen, and back. */
import { startSentinel } from '@postern/tools/servers/redis'
import Type from 'typebox'
import { afterEach, describe, expect, test } from 'vitest'
import type { RedisConnection } from '../../../src/remote/redis/connection.ts'
import { createSealing } from '../../../src/remote/redis/sealing.ts'
import { createSecondLevel } from '../../../src/remote/redis/second-level.ts'
import { addressOf, connectTo, eventually, redisInstalled, startRedis } from '../../support/redis.ts'

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

async function server(...options: Parameters<typeof startRedis>) {
  const redis = await startRedis(...options)
  toClose.push(redis.stop)
  return redis
}

function connection(...options: Parameters<typeof connectTo>) {
  const redis = connectTo(...options)
  toClose.push(redis.close)
  return redis
}

const secret = 'a secret of at least 32 characters'
const level = (redis: RedisConnection, kind = 'test', sealed = secret) =>
  createSecondLevel({
    redis,
    sealing: createSealing(sealed),
    prefix: 'p:',
    kind: [kind],
    schema: Type.Object({ claims: Type.Record(Type.String(), Type.Unknown()) }),
  })
const value = { claims: { sub: 'alice', nested: [1, { a: null }] } }
const kept = (redis: RedisConnection, ...key: string[]) =>
  eventually(async () => (await level(redis).get(...key)) ?? Promise.reject(new Error('not there')))

describe.skipIf(!redisInstalled)('what one sidecar keeps, another finds', () => {
  test('in a single server, under a key of its own kind, encrypted, for a while', async () => {
    const redis = await server()
    const [one, two] = [connection([addressOf(redis)]), connection([addressOf(redis)])]
    await eventually(() => one.run((commands) => commands.del('x')))
    level(one).set(value, 60_000, 'issuer', 'opaque-token')
    expect(await kept(two, 'issuer', 'opaque-token')).toEqual(value)
    expect(await level(two).get('issuer', 'another')).toBeUndefined()
    expect(await level(two, 'another-kind').get('issuer', 'opaque-token')).toBeUndefined()
    expect(await level(two, 'test', 'another secret of 32 characters..').get('issuer', 'opaque-token')).toBeUndefined()
    const [key = '', ...others] = (await redis.command('keys', '*')).split('\n')
    expect(others).toEqual([])
    expect(key).toMatch(/^p:[A-Za-z0-9_-]{43}$/)
    expect(await redis.command('get', key)).not.toMatch(/alice|sub/)
    const ttlMs = Number(await redis.command('pttl', key))
    expect(ttlMs).toBeGreaterThan(50_000)
    expect(ttlMs).toBeLessThanOrEqual(60_000)
    level(two).delete('issuer', 'opaque-token')
    await eventually(async () => expect(await redis.command('keys', '*')).toBe(''))
  })

  test('but not what is large, or is over in a moment', async () => {
    const redis = await server()
    const one = connection([addressOf(redis)])
    await eventually(() => one.run((commands) => commands.del('x')))
    level(one).set({ claims: { a: 'a'.repeat(64 * 1024) } }, 60_000, 'large')
    for (const ttlMs of [0.9, 0, -1]) level(one).set(value, ttlMs, 'over')
    level(one).set(value, 1, 'short')
    level(one).set({ claims: { a: 'a'.repeat(63 * 1024) } }, 60_000, 'kept')
    await kept(one, 'kept')
    await eventually(async () => expect((await redis.command('keys', '*')).split('\n')).toHaveLength(1))
  })

  test('in a cluster', async () => {
    const redis = await server({ cluster: true })
    const one = connection([addressOf(redis)], { topology: 'cluster' })
    await eventually(() => one.run((commands) => commands.del('x')))
    level(one).set(value, 60_000, 'k')
    expect(await kept(connection([addressOf(redis)], { topology: 'cluster' }), 'k')).toEqual(value)
  })

  test('in the server that Sentinel names', async () => {
    const redis = await server()
    const sentinel = await startSentinel(redis)
    toClose.push(sentinel.stop)
    const one = connection([sentinel.address], { topology: 'sentinel', sentinelName: 'main' })
    await eventually(() => one.run((commands) => commands.del('x')))
    level(one).set(value, 60_000, 'k')
    expect(await kept(connection([addressOf(redis)]), 'k')).toEqual(value)
  })

  test('in a server with a password; with a wrong one there is nothing', async () => {
    const redis = await server({ arguments: ['--requirepass', 'pass'] })
    const one = connection([addressOf(redis)], {}, { password: 'pass' })
    await eventually(() => one.run((commands) => commands.del('x')))
    level(one).set(value, 60_000, 'k')
    await eventually(async () => expect(await level(one).get('k')).toEqual(value))
    expect(await level(connection([addressOf(redis)], {}, { password: 'wrong' })).get('k')).toBeUndefined()
  })
})

describe.skipIf(!redisInstalled)('a second level that holds nonsense, or is not there', () => {
  test('is as if it were empty', async () => {
    const redis = await server()
    const one = connection([addressOf(redis)])
    await eventually(() => one.run((commands) => commands.del('x')))
    const name = `p:${createSealing(secret).name('test', 'k')}`
    const write = (text: string | Buffer) => one.run((commands) => commands.set(name, Buffer.from(text), 'PX', 60_000))
    for (const nonsense of ['', 'x', 'x'.repeat(100), JSON.stringify(value)]) {
      await write(nonsense)
      expect(await level(one).get('k')).toBeUndefined()
    }
    for (const sealed of ['no json', '{"claims":1}', 'null']) {
      await write(createSealing(secret).seal(name, sealed))
      expect(await level(one).get('k')).toBeUndefined()
    }
    await write(createSealing(secret).seal(name, JSON.stringify(value)))
    expect(await level(one).get('k')).toEqual(value)
    await redis.command('del', name)
    await redis.command('lpush', name, 'a')
    expect(await level(one).get('k')).toBeUndefined()
  })

  test('costs no more than its deadline where it is frozen, and next to nothing once its breaker is open', async () => {
    const redis = await server()
    const one = connection([addressOf(redis)], { timeoutMs: 50 })
    await eventually(() => one.run((commands) => commands.del('x')))
    redis.freeze()
    const begun = performance.now()
    expect(await level(one).get('k')).toBeUndefined()
    expect(performance.now() - begun).toBeLessThan(500)
    for (let count = 0; count < 6; count++) await level(one).get('k')
    const open = performance.now()
    for (let count = 0; count < 100; count++) await level(one).get('k')
    expect(performance.now() - open).toBeLessThan(1_000)
    redis.thaw()
    await eventually(() => one.run((commands) => commands.del('x')))
    level(one).set(value, 60_000, 'k')
    expect(await kept(one, 'k')).toEqual(value)
  })

  test('serves again once it is back', async () => {
    const redis = await server()
    const one = connection([addressOf(redis)])
    await eventually(() => one.run((commands) => commands.del('x')))
    await redis.crash()
    expect(await level(one).get('k')).toBeUndefined()
    // What could not be kept is not queued up either.
    level(one).set(value, 60_000, 'k')
    await redis.restart()
    await eventually(() => one.run((commands) => commands.del('x')))
    expect(await level(one).get('k')).toBeUndefined()
    level(one).set(value, 60_000, 'k')
    expect(await kept(one, 'k')).toEqual(value)
  })
})
