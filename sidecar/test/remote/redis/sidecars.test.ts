/** Two sidecars that share a Redis, as a caller sees them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterEach, describe, expect, test } from 'vitest'
import { addressOf, eventually, type RedisServer, redisInstalled, startRedis } from '../../support/redis.ts'
import { type BenchOptions, startBench, type TestBench, withFeed, withIntrospection } from '../../support/sidecar.ts'

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

const patient = withIntrospection.replace(/timeout_ms: \d+/, 'timeout_ms: 2000')

async function twoSidecars(options: BenchOptions = {}) {
  const redis = await startRedis()
  toClose.push(redis.stop)
  const more = `redis: { nodes: ['${addressOf(redis)}'], encryption_secret: { value: ${'s'.repeat(32)} }, timeout_ms: 300 }`
  const one = await startBench({ issuer: patient, more, ...options })
  toClose.push(one.close)
  await one.ready()
  const beside = async (changed: BenchOptions = {}) => {
    const two = await one.beside({ issuer: patient, more, ...options, ...changed })
    toClose.push(() => two.sidecar.close())
    await two.ready()
    return two
  }
  await untilConnected(redis, one)
  return { redis, one, beside }
}

/** The connection is made in the background. */
async function untilConnected(redis: RedisServer, bench: TestBench): Promise<void> {
  const before = await keys(redis)
  await eventually(async () => {
    const token = `warm-${Math.random()}`
    introduce(bench, token)
    await bench.ask(`Bearer ${token}`)
    expect(await keys(redis)).toBeGreaterThan(before)
  })
}

const keys = async (redis: RedisServer) => Number((await redis.command('dbsize')).replace(/\D/g, ''))

const introduce = (bench: TestBench, token: string, claims: Record<string, unknown> = {}) =>
  bench.issuer.introspects(token, { active: true, ...bench.issuer.claims(claims) })

describe.skipIf(!redisInstalled)('two sidecars that share a Redis', () => {
  test('ask the issuer once about a token, and show it to nobody else', async () => {
    const { redis, one, beside } = await twoSidecars()
    introduce(one, 'opaque-token')
    const before = await keys(redis)
    expect((await one.ask('Bearer opaque-token')).status).toBe(200)
    await eventually(async () => expect(await keys(redis)).toBe(before + 1))
    const asked = one.issuer.calls.introspection
    const two = await beside()
    await eventually(async () => {
      // Until it is connected it asks for itself, about tokens of its own.
      expect((await two.ask('Bearer opaque-token')).headers.get('x-subject')).toBe('alice')
    })
    expect(one.issuer.calls.introspection).toBeLessThanOrEqual(asked + 1)
    const names = (await redis.command('keys', '*')).split('\n')
    expect(names.join()).not.toContain('opaque')
    for (const name of names) expect(await redis.command('get', name)).not.toMatch(/alice|opaque|client_id/)
  })

  test('share nothing of what another endpoint has said', async () => {
    const { redis, one, beside } = await twoSidecars()
    introduce(one, 'opaque-token')
    const before = await keys(redis)
    expect((await one.ask('Bearer opaque-token')).status).toBe(200)
    await eventually(async () => expect(await keys(redis)).toBe(before + 1))
    const elsewhere = patient.replace('{ ', `{ endpoint: '${one.issuer.url}/introspect?elsewhere', `)
    const two = await beside({ issuer: elsewhere })
    await untilConnected(redis, two)
    const asked = one.issuer.calls.introspection
    expect((await two.ask('Bearer opaque-token')).status).toBe(200)
    expect(one.issuer.calls.introspection).toBe(asked + 1)
  })

  test('share under another secret once its file has changed, without a reload', async () => {
    const folder = await temporaryFolder('sealing')
    toClose.push(folder.remove)
    const file = join(folder.path, 'secret')
    await writeFile(file, 'a'.repeat(32))
    const redis = await startRedis()
    toClose.push(redis.stop)
    const more = `redis: { nodes: ['${addressOf(redis)}'], encryption_secret: { file: ${file} }, timeout_ms: 300 }`
    const one = await startBench({ issuer: patient, more })
    toClose.push(one.close)
    await one.ready()
    const ask = async (token: string) => {
      introduce(one, token)
      expect((await one.ask(`Bearer ${token}`)).status).toBe(200)
    }
    await eventually(async () => {
      await ask(`warm-${Math.random()}`)
      expect(await keys(redis)).toBeGreaterThan(0)
    })
    await writeFile(file, 'too short')
    one.clock.advance(2)
    const before = await keys(redis)
    await ask('old')
    await eventually(async () => expect(await keys(redis)).toBe(before + 1))
    expect(one.log.join()).toContain('under 32 characters')
    await writeFile(file, 'b'.repeat(32))
    one.clock.advance(2)
    await ask('new')
    await eventually(async () => expect(await keys(redis)).toBe(before + 2))
    const two = await one.beside()
    toClose.push(() => two.sidecar.close())
    await two.ready()
    await eventually(async () => {
      const asked = one.issuer.calls.introspection
      const token = `common-${Math.random()}`
      const kept = await keys(redis)
      await ask(token)
      await eventually(async () => expect(await keys(redis)).toBe(kept + 1))
      expect((await two.ask(`Bearer ${token}`)).status).toBe(200)
      expect(one.issuer.calls.introspection).toBe(asked + 1)
    })
    const asked = one.issuer.calls.introspection
    expect((await two.ask('Bearer new')).status).toBe(200)
    expect(one.issuer.calls.introspection).toBe(asked)
    expect((await two.ask('Bearer old')).status).toBe(200)
    expect(one.issuer.calls.introspection).toBe(asked + 1)
  }, 30_000)

  test('refuse what the feed has revoked, though Redis holds that it is active', async () => {
    const { redis, one, beside } = await twoSidecars({ issuer: `${patient}\n    ${withFeed}` })
    introduce(one, 'opaque-token', { jti: 'a' })
    const before = await keys(redis)
    expect((await one.ask('Bearer opaque-token')).status).toBe(200)
    await eventually(async () => expect(await keys(redis)).toBe(before + 1))
    await one.issuer.revoke('a')
    const two = await beside()
    expect((await two.ask('Bearer opaque-token')).status).toBe(401)
  })

  test('lose nothing but time while Redis is killed or frozen, and share again once it is back', async () => {
    const { redis, one } = await twoSidecars()
    introduce(one, 'first')
    introduce(one, 'second')
    introduce(one, 'third')
    await redis.crash()
    expect((await one.ask('Bearer first')).status).toBe(200)
    expect((await one.ask('Bearer unknown')).status).toBe(401)
    expect((await one.admin('/readyz')).status).toBe(200)
    await redis.restart()
    redis.freeze()
    const begun = performance.now()
    expect((await one.ask('Bearer second')).status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(2_500)
    redis.thaw()
    await eventually(async () => {
      const token = `again-${Math.random()}`
      introduce(one, token)
      expect((await one.ask(`Bearer ${token}`)).status).toBe(200)
      expect(await keys(redis)).toBeGreaterThan(0)
    })
    expect((await one.ask('Bearer third')).status).toBe(200)
  }, 30_000)
})
