/** Two sidecars on a real Redis, and an issuer that exchanges whatever it is given. */
import { afterEach, describe, expect, test } from 'vitest'
import { createSealing } from '../../../src/remote/redis/sealing.ts'
import { createSecondLevel } from '../../../src/remote/redis/second-level.ts'
import { sha256 } from '../../../src/remote/sha256.ts'
import { tokenExchange } from '../../../src/remote/upstream-grants/token-exchange.ts'
import { createCallerTokens } from '../../../src/remote/upstream-tokens/caller-tokens.ts'
import { SharedToken, shareTokens } from '../../../src/remote/upstream-tokens/shared-tokens.ts'
import { addressOf, connectTo, eventually, redisInstalled, startRedis } from '../../support/redis.ts'

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

const grant = tokenExchange({
  subjectTokenType: 'type',
  requestedTokenType: undefined,
  actorTokens: undefined,
  maxCallers: 10,
})

async function setUp(scheme: 'Bearer' | 'DPoP' = 'Bearer') {
  const redis = await startRedis()
  toClose.push(redis.stop)
  let time = 1_000_000
  let exchanges = 0
  const sidecar = async (upstream = 'stock', ahead = 0) => {
    const connection = connectTo([addressOf(redis)])
    toClose.push(connection.close)
    await eventually(() => connection.run((commands) => commands.del('x')))
    const now = () => time + ahead
    const secondLevel = createSecondLevel({
      redis: connection,
      sealing: createSealing('a secret of at least 32 characters'),
      prefix: 'p:',
      kind: ['upstream token', upstream],
      schema: SharedToken,
    })
    const fetch = async () => {
      exchanges += 1
      return { accessToken: `token-${exchanges}`, scheme, expiresIn: 100, refreshToken: undefined }
    }
    const shared = shareTokens(fetch, secondLevel, now)
    const tokens = createCallerTokens({ grant, fetch: shared, purgeIntervalMs: 10_000, now, random: () => 0 })
    return {
      tokens,
      of: (token: string, seconds = 300) => tokens.of({ token, claims: {}, expiresAt: now() + seconds * 1_000 }),
    }
  }
  return {
    redis,
    sidecar,
    exchanges: () => exchanges,
    advance: (seconds: number) => {
      time += seconds * 1_000
    },
    /** Tokens are written in the background. */
    written: () => eventually(async () => expect(await redis.command('dbsize')).toContain('1')),
  }
}

describe.skipIf(!redisInstalled)('tokens for callers', () => {
  test('are exchanged by one sidecar for all, each caller for itself, and expire for all of them', async () => {
    const { sidecar, exchanges, advance, written } = await setUp()
    const [one, two] = [await sidecar(), await sidecar()]
    const first = await one.of('alice').get()
    await written()
    advance(30)
    const same = await two.of('alice').get()
    expect(same.accessToken).toBe(first.accessToken)
    expect(same.expiresAt).toBeLessThanOrEqual(1_000_000 + 100_000)
    expect(exchanges()).toBe(1)
    expect((await two.of('bob').get()).accessToken).not.toBe(first.accessToken)
    advance(70)
    expect(two.of('alice').current()).toBeUndefined()
  })

  test('that end soon are not taken over, and none is kept for longer than the caller’s', async () => {
    const { sidecar, exchanges, advance, written, redis } = await setUp()
    const [one, two] = [await sidecar(), await sidecar()]
    await one.of('alice', 20).get()
    await written()
    const [name = ''] = (await redis.command('keys', '*')).split('\n')
    expect(Number(await redis.command('pttl', name))).toBeLessThanOrEqual(20_000)
    advance(89)
    await two.of('alice').get()
    expect(exchanges()).toBe(1)
    advance(1)
    await (await sidecar()).of('alice').get()
    expect(exchanges()).toBe(2)
  })

  test('are not those of an upstream that is asked in another way', async () => {
    const { sidecar, exchanges, written } = await setUp()
    await (await sidecar('stock')).of('alice').get()
    await written()
    await (await sidecar('orders')).of('alice').get()
    expect(exchanges()).toBe(2)
  })

  test('that an upstream refused are exchanged anew, once', async () => {
    const { sidecar, exchanges, written } = await setUp()
    const [one, two] = [await sidecar(), await sidecar()]
    const first = await one.of('alice').get()
    await written()
    await two.of('alice').get()
    expect(one.tokens.purge(sha256(first.accessToken))).toBe('purged')
    const second = await one.of('alice').get()
    expect(second.accessToken).not.toBe(first.accessToken)
    await eventually(async () =>
      expect(await (await sidecar()).of('alice').get()).toMatchObject({ accessToken: second.accessToken }),
    )
    expect(two.tokens.purge(sha256(first.accessToken))).toBe('purged')
    await eventually(async () => expect((await two.of('alice').get()).accessToken).toBe(second.accessToken))
    expect(exchanges()).toBe(2)
  })

  test('from a sidecar whose clock is ahead live no longer than theirs', async () => {
    const { sidecar, written } = await setUp()
    await (await sidecar('stock', 3_600_000)).of('alice').get()
    await written()
    const { expiresAt } = await (await sidecar()).of('alice').get()
    expect(expiresAt).toBeLessThanOrEqual(1_000_000 + 100_000)
  })

  test('that are bound to a key stay with the sidecar that has it', async () => {
    const { sidecar, exchanges, redis } = await setUp('DPoP')
    await (await sidecar()).of('alice').get()
    await (await sidecar()).of('alice').get()
    expect(exchanges()).toBe(2)
    expect(await redis.command('dbsize')).toContain('0')
  })

  test('are there without Redis', async () => {
    const { sidecar, redis } = await setUp()
    const one = await sidecar()
    await redis.stop()
    expect((await one.of('alice').get()).accessToken).toBe('token-1')
  })
})
