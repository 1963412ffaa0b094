/** What is remembered of an issuer's answers: in memory, bounded; and in Redis, for other sidecars. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type AnswersOptions,
  createIntrospectionAnswers,
  SharedAnswer,
} from '../../../src/remote/introspection/answers.ts'
import { createSealing } from '../../../src/remote/redis/sealing.ts'
import { createSecondLevel } from '../../../src/remote/redis/second-level.ts'
import { addressOf, connectTo, eventually, redisInstalled, startRedis } from '../../support/redis.ts'
import { createClock } from '../../support/sidecar.ts'

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

const clock = createClock()

function sidecar(options: Partial<AnswersOptions> = {}) {
  const asked: string[] = []
  const answers = createIntrospectionAnswers({
    ask: async (token) => {
      asked.push(token)
      return token.startsWith('active') ? { active: true, sub: token } : undefined
    },
    freshMs: { active: 30_000, inactive: 5_000 },
    secondLevel: undefined,
    now: clock.now,
    ...options,
  })
  return { asked, get: answers.get, last: answers.last }
}

test('a hundred thousand made-up tokens displace no real one, and memory stays bounded', async () => {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  const heap = () => {
    if (typeof gc === 'function') gc()
    return process.memoryUsage().heapUsed
  }
  const { get, asked } = sidecar()
  await get('active')
  const before = heap()
  for (let index = 0; index < 100_000; index++) await get(`made-up-${index}-${'x'.repeat(500)}`)
  asked.length = 0
  expect(heap() - before).toBeLessThan(30e6)
  await get('active')
  expect(asked).toEqual([])
}, 60_000)

test('of a token that is not active any more, no older answer is left', async () => {
  let active = true
  const { get, last } = sidecar({ ask: async () => (active ? { active: true } : undefined) })
  await get('token')
  active = false
  clock.advance(31)
  expect((await get('token')).claims).toBeUndefined()
  expect(last('token')).toMatchObject({ claims: undefined })
})

describe('one question', () => {
  test('at a time for each token, also for those who come while it is under way', async () => {
    const { get, asked } = sidecar()
    await Promise.all([get('active'), get('active'), get('other'), get('active')])
    expect(asked).toEqual(['active', 'other'])
  })

  test('that fails is asked again by the next', async () => {
    let failing = true
    const { get } = sidecar({
      ask: async () => {
        if (failing) throw new Error('down')
        return { active: true }
      },
    })
    await expect(get('active')).rejects.toThrow('down')
    failing = false
    expect((await get('active')).claims).toEqual({ active: true })
  })

  test('never later than the expiry of the token', async () => {
    const exp = Math.floor(clock.now() / 1_000) + 10
    const asked: string[] = []
    const { get, last } = sidecar({
      ask: async (token) => {
        asked.push(token)
        return { active: true, exp }
      },
    })
    await get('active')
    clock.advance(9)
    await get('active')
    expect(asked).toHaveLength(1)
    clock.advance(2)
    await get('active')
    expect(asked).toHaveLength(2)
    expect(last('active')?.claims).toEqual({ active: true, exp })
  })
})

describe.skipIf(!redisInstalled)('several sidecars', () => {
  async function shared() {
    const redis = await startRedis()
    toClose.push(redis.stop)
    const level = () => {
      const connection = connectTo([addressOf(redis)], { timeoutMs: 300 })
      toClose.push(connection.close)
      const sealing = createSealing('a secret of at least 32 characters')
      const secondLevel = createSecondLevel({
        redis: connection,
        sealing,
        prefix: 'p:',
        kind: ['introspection', 'issuer', 'client', 'plain'],
        schema: SharedAnswer,
      })
      return { connection, secondLevel }
    }
    const create = async (options: Partial<AnswersOptions> = {}) => {
      const { connection, secondLevel } = level()
      await eventually(() => connection.run((commands) => commands.del('x')))
      return sidecar({ secondLevel, ...options })
    }
    return { redis, create }
  }
  /** What is set in the background. */
  const written = (redis: Awaited<ReturnType<typeof startRedis>>, keys: number) =>
    eventually(async () => expect((await redis.command('dbsize')).replace(/\D/g, '')).toBe(String(keys)))

  test('ask about an active token once, and the second relies on it no longer than the first', async () => {
    const { redis, create } = await shared()
    const [one, two] = [await create(), await create()]
    await one.get('active')
    await written(redis, 1)
    clock.advance(20)
    expect((await two.get('active')).claims).toEqual({ active: true, sub: 'active' })
    expect(two.asked).toEqual([])
    clock.advance(11)
    await two.get('active')
    expect(two.asked).toEqual(['active'])
  })

  test('ask each for itself about tokens that are not active', async () => {
    const { redis, create } = await shared()
    const [one, two] = [await create(), await create()]
    await one.get('made-up')
    // Written after whatever was written before it.
    await one.get('active')
    await eventually(async () => expect(await redis.command('dbsize')).not.toMatch(/\b0$/))
    expect(await redis.command('dbsize')).toMatch(/\b1$/)
    await two.get('made-up')
    expect(two.asked).toEqual(['made-up'])
  })

  test('are not misled by one whose clock is ahead', async () => {
    const { redis, create } = await shared()
    const [ahead, two] = [await create({ now: () => clock.now() + 3_600_000 }), await create()]
    await ahead.get('active')
    await written(redis, 1)
    await two.get('active')
    expect(two.asked).toEqual(['active'])
  })

  test('go on by themselves while Redis is killed, and share again once it is back', async () => {
    const { redis, create } = await shared()
    const [one, two] = [await create(), await create()]
    await redis.crash()
    await one.get('active-1')
    await two.get('active-1')
    expect([one.asked, two.asked]).toEqual([['active-1'], ['active-1']])
    const begun = performance.now()
    for (let index = 0; index < 50; index++) await one.get(`active-down-${index}`)
    expect(performance.now() - begun).toBeLessThan(5_000)
    await redis.restart()
    await eventually(async () => {
      await one.get(`active-${Math.random()}`)
      expect(Number((await redis.command('dbsize')).replace(/\D/g, ''))).toBeGreaterThan(0)
    })
    await one.get('active-2')
    await eventually(async () => expect(await redis.command('dbsize')).not.toBe('0'))
    await eventually(async () => {
      const third = await create()
      await third.get('active-2')
      expect(third.asked).toEqual([])
    })
  }, 30_000)
})
