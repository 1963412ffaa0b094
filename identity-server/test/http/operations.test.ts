import type { RedisServer } from '@postern/tools/servers/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, type Store } from '../support/databases.ts'
import { send } from '../support/http.ts'
import { redisServers } from '../support/redis-servers.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

describe.each(redisServers)('readiness with $kind', ({ cluster, start }) => {
  let store: Store | undefined
  let redis: RedisServer
  let server: TestServer

  beforeAll(async () => {
    // Which database it is makes no difference here.
    store = await databases.at(-1)?.start()
    if (!store) throw new Error('there is no database')
    redis = await start()
    const environment = { REDIS_URL: redis.url, POSTERN_REDIS_CLUSTER: String(cluster) }
    server = await startTestServer(store, { environment })
  })
  afterAll(async () => {
    await server?.close()
    await redis?.stop()
    await store?.stop()
  })

  const isReady = async () => (await send(`${server.operations}/readyz`)).status === 200

  test('is lost and found with it, while what does not need it goes on', async () => {
    await until(isReady)
    await redis.crash()
    await until(async () => !(await isReady()))
    expect(await server.adminToken()).not.toBe('')
    await redis.restart()
    await until(isReady)
  })
})
