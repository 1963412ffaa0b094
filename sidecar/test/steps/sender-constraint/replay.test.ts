/** One proof at two sidecars that share a Redis. */
import { afterEach, describe, expect, test } from 'vitest'
import { createDpopKey, type DpopKey } from '../../support/dpop.ts'
import { addressOf, eventually, type RedisServer, redisInstalled, startRedis } from '../../support/redis.ts'
import { startBench, type TestBench } from '../../support/sidecar.ts'

describe.skipIf(!redisInstalled)('two sidecars with one Redis', () => {
  let redis: RedisServer
  let first: TestBench
  let second: TestBench
  let key: DpopKey
  let token: string

  afterEach(async () => {
    await second.sidecar.close()
    await first.close()
    await redis.stop()
  })

  const start = async (redisArguments: string[] = []) => {
    redis = await startRedis({ arguments: redisArguments })
    const secret = 'sealing-of-all-sidecars-0123456789'
    first = await startBench({
      policy: 'dpop: { origins: [https://api.example.com] }',
      more: `redis: { nodes: ['${addressOf(redis)}'], encryption_secret: { value: ${secret} }, timeout_ms: 1000 }`,
    })
    second = await first.beside()
    key = await createDpopKey(first.clock.now)
    token = await first.issuer.mint({ claims: { cnf: key.cnf } })
  }
  const ask = async (bench: TestBench, proof: string) =>
    bench.decide(['authorization', `DPoP ${token}`, 'dpop', proof], 'main', { uri: '/orders' })
  const connected = (bench: TestBench) =>
    eventually(async () => expect(await ask(bench, await key.prove(token))).toMatchObject({ decision: 'allow' }))

  test('a proof that one has seen is refused by the other', async () => {
    await start()
    await connected(first)
    await connected(second)
    const [one, other] = [await key.prove(token), await key.prove(token)]
    expect(await ask(first, one)).toMatchObject({ decision: 'allow' })
    expect(await ask(second, one)).toMatchObject({ body: { error: 'invalid_dpop_proof' } })
    const both = await Promise.all([first, second, first, second].map((bench) => ask(bench, other)))
    expect(both.filter(({ decision }) => decision === 'allow')).toHaveLength(1)
  })

  test('without their Redis they cannot know, and say so; Bearer tokens do not need it', async () => {
    await start()
    await connected(first)
    await redis.stop()
    const decision = await ask(first, await key.prove(token))
    expect(decision).toMatchObject({ decision: 'unavailable', status: 503 })
    const free = await first.issuer.mint()
    expect(await first.decide(['authorization', `Bearer ${free}`])).toMatchObject({ decision: 'allow' })
  })
})
