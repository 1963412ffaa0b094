/** Credentials that change while sidecars use Redis. */
import { afterEach, describe, expect, test } from 'vitest'
import { createChangingRedis } from '../../../src/remote/redis/changing-connection.ts'
import type { OpenRedis, RedisCommands, RedisCredentials } from '../../../src/remote/redis/connection.ts'
import { addressOf, connectTo, eventually, redisInstalled, startRedis } from '../../support/redis.ts'

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

/** With passwords that a test sets, and what was opened and closed. */
function changing(open: (credentials: RedisCredentials) => OpenRedis, endMs = 100) {
  let credentials: RedisCredentials = { password: 'one' }
  const redis = createChangingRedis({ current: () => credentials }, open, endMs)
  toClose.push(redis.close)
  return {
    redis,
    change: (password: string) => {
      credentials = { password }
    },
  }
}

const ask = (commands: RedisCommands) => commands.del('x')

describe.skipIf(!redisInstalled)('a password that changes', () => {
  async function start() {
    const server = await startRedis({ arguments: ['--requirepass', 'one'] })
    toClose.push(server.stop)
    const opened: string[] = []
    const { redis, change } = changing((credentials) => {
      opened.push(credentials.password ?? '')
      return connectTo([addressOf(server)], {}, credentials)
    })
    await eventually(() => redis.run(ask))
    const clients = async (password: string) =>
      (await server.command('--pass', password, 'client', 'list'))
        .split('\n')
        .filter((line) => line.includes('postern'))
    return { server, redis, change, opened, clients }
  }

  test('here and there: commands never fail, and one connection is left', async () => {
    const { server, redis, change, opened, clients } = await start()
    await server.command('--pass', 'one', 'config', 'set', 'requirepass', 'two')
    change('two')
    for (let count = 0; count < 50; count++) {
      await redis.run(ask)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await eventually(async () => expect(await clients('two')).toHaveLength(1))
    await server.command('--pass', 'two', 'client', 'kill', 'type', 'normal')
    await eventually(() => redis.run(ask))
    expect(opened).toEqual(['one', 'two'])
  })

  test('here first: the old connection serves until the server knows the new one', async () => {
    const { server, redis, change, clients } = await start()
    change('two')
    for (let count = 0; count < 30; count++) {
      await redis.run(ask)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await server.command('--pass', 'one', 'config', 'set', 'requirepass', 'two')
    await eventually(async () => {
      await redis.run(ask)
      expect(await clients('two')).toHaveLength(1)
    })
    await redis.run(ask)
  })
})

describe('connections, as credentials change', () => {
  function fakes() {
    const log: string[] = []
    const ready = new Set<string>()
    const open = ({ password = '' }: RedisCredentials): OpenRedis => ({
      run: async () => {
        log.push(`run ${password}`)
        return JSON.parse('1')
      },
      keepsAll: async () => {
        log.push(`look ${password}`)
        return true
      },
      isReady: () => ready.has(password),
      close: () => void log.push(`close ${password}`),
    })
    return { log, ready, open }
  }

  test('are asked while they are the best, and each is closed once', async () => {
    const { log, ready, open } = fakes()
    ready.add('one')
    const { redis, change } = changing(open, 20)
    await redis.run(ask)
    change('two')
    await redis.run(ask)
    change('three')
    await redis.keepsAll()
    expect(log.splice(0)).toEqual(['run one', 'run one', 'close two', 'look one'])
    ready.add('three')
    await redis.run(ask)
    expect(log.splice(0)).toEqual(['run three'])
    await expect.poll(() => log).toEqual(['close one'])
    redis.close()
    expect(log).toEqual(['close one', 'close three'])
  })

  test('that no command can be sent on give way at once; none is left open at the end', async () => {
    const { log, open } = fakes()
    const { redis, change } = changing(open, 60_000)
    change('two')
    await redis.run(ask)
    expect(log.splice(0)).toEqual(['run two'])
    change('three')
    redis.close()
    expect(log.toSorted()).toEqual(['close one', 'close two'])
  })
})
