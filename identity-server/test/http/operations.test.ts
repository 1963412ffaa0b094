import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { send } from '../support/http.ts'
import { redisServers } from '../support/redis-servers.ts'
import { startTestServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

describe.each(databases)('readiness on $kind', ({ start: startStore }) => {
  test.each(redisServers)('means that $kind answers too, where there is one', async ({ cluster, start }) => {
    const [store, redis] = [await startStore(), await start()]
    const environment = { REDIS_URL: redis.url, POSTERN_REDIS_CLUSTER: String(cluster) }
    const server = await startTestServer(store, { environment })
    const isReady = async () => (await send(`${server.operations}/readyz`)).status === 200
    try {
      await until(isReady)
      await redis.crash()
      await until(async () => !(await isReady()))
      // What needs no Redis goes on.
      expect(await server.adminToken()).not.toBe('')
      await redis.restart()
      await until(isReady)
    } finally {
      await server.close()
      await redis.stop()
      await store.stop()
    }
  })
})
