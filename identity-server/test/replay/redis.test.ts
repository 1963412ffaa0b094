import type { RedisServer } from '@postern/tools/servers/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReplayGuardOn, type ReplayGuard, type ReplayScope } from '../../src/replay/guard.ts'
import { createRedisIdentifiers } from '../../src/replay/redis.ts'
import { openRedis, type RedisStore } from '../../src/store/redis.ts'
import { redisServers } from '../support/redis-servers.ts'
import { until } from '../support/wait.ts'

const scope: ReplayScope = { authServer: 'acme', kind: 'dpop', owner: 'thumbprint' }
const unavailable = { name: 'StoreError', kind: 'unavailable' }

describe.each(redisServers)('used identifiers on $kind', ({ cluster, start }) => {
  let server: RedisServer
  let redis: RedisStore
  let guard: ReplayGuard

  beforeAll(async () => {
    server = await start()
    redis = openRedis({ url: server.url, cluster })
    guard = createReplayGuardOn(createRedisIdentifiers(redis), Date.now)
    await until(() => redis.ping())
  })
  afterAll(async () => {
    await redis?.close()
    await server?.stop()
  })

  const use = (identifier: string) => guard.firstUse(scope, identifier, Date.now() + 30_000)

  test('are keys of one length with the tenant in them, kept a little longer than said', async () => {
    await use('a'.repeat(10_000))
    const keys = (await server.command('keys', '*')).split('\n')
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatch(/^postern:used:acme:[\w-]{43}$/)
    const keptMs = Number(await server.command('pttl', keys[0] ?? ''))
    expect(keptMs).toBeGreaterThan(80_000)
    expect(keptMs).toBeLessThanOrEqual(90_000)
  })

  test('Redis silent: nothing is let through, and nobody waits for long', async () => {
    server.freeze()
    try {
      const begun = performance.now()
      await expect(use('frozen')).rejects.toMatchObject(unavailable)
      expect(performance.now() - begun).toBeLessThan(2_500)
      expect(await redis.ping()).toBe(false)
    } finally {
      server.thaw()
    }
    // It is trusted again without anybody asking whether it is ready.
    await until(() => use('thawed').catch(() => false))
    expect(await use('thawed')).toBe(false)
  })

  test('Redis down: nothing is let through, at once, and then again once it is back', async () => {
    await server.crash()
    await until(async () => !(await redis.ping()))
    const begun = performance.now()
    await expect(use('down')).rejects.toMatchObject(unavailable)
    expect(performance.now() - begun).toBeLessThan(500)
    await server.restart()
    await until(() => redis.ping())
    expect(await use('down')).toBe(true)
    expect(await use('down')).toBe(false)
  })

  test('Redis full: nothing is let through', async () => {
    await server.command('config', 'set', 'maxmemory', '1')
    await expect(use('full')).rejects.toMatchObject(unavailable)
    await server.command('config', 'set', 'maxmemory', '0')
    expect(await use('full')).toBe(true)
  })

  test('Redis that evicts keys: nothing is let through, until it no longer does', async () => {
    await server.command('config', 'set', 'maxmemory', '1gb')
    await server.command('config', 'set', 'maxmemory-policy', 'volatile-lru')
    const evicting = openRedis({ url: server.url, cluster })
    const other = createReplayGuardOn(createRedisIdentifiers(evicting), Date.now)
    await until(async () =>
      /noeviction/.test(String(await other.firstUse(scope, 'a', Date.now() + 1_000).catch((error) => error.cause))),
    )
    expect(await evicting.ping()).toBe(false)
    await expect(other.firstUse(scope, 'evicted', Date.now() + 1_000)).rejects.toMatchObject(unavailable)
    // Without a limit, no policy ever applies.
    await server.command('config', 'set', 'maxmemory', '0')
    expect(await evicting.ping()).toBe(true)
    expect(await other.firstUse(scope, 'evicted', Date.now() + 1_000)).toBe(true)
    await server.command('config', 'set', 'maxmemory-policy', 'noeviction')
    await evicting.close()
  })

  test('a wrong password: nothing is let through, and the error does not show it', async () => {
    await server.command('config', 'set', 'requirepass', 'right')
    const wrong = openRedis({ url: server.url.replace('//', '//:hidden@'), cluster })
    const right = openRedis({ url: server.url.replace('//', '//:right@'), cluster })
    const attempt = createReplayGuardOn(createRedisIdentifiers(wrong), Date.now).firstUse(
      scope,
      'a',
      Date.now() + 1_000,
    )
    await expect(attempt).rejects.toMatchObject(unavailable)
    await expect(attempt).rejects.not.toThrow(/hidden/)
    await until(() => right.ping())
    await wrong.close()
    await right.close()
  })
})
