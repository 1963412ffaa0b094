/** A real Redis for the tests of one file. */
import { hasRedis, type RedisServer, type RedisServerOptions, startRedis } from '@postern/tools/servers/redis'
import { createDependency } from '../../src/remote/calls/dependency.ts'
import {
  type OpenRedis,
  openRedis,
  type RedisCredentials,
  type RedisSettings,
} from '../../src/remote/redis/connection.ts'

/** Where it is not installed, tests are skipped; in CI they fail. */
export const redisInstalled = process.env.CI === 'true' || (await hasRedis())
if (!redisInstalled) process.stderr.write('SKIPPED: tests on Redis, because it is not installed\n')

export { type RedisServer, startRedis }

/** A connection as the sidecar's, whose breaker is quick to try again. */
export function connectTo(
  nodes: string[],
  settings: Partial<RedisSettings> = {},
  credentials: RedisCredentials = {},
  now: () => number = Date.now,
): OpenRedis {
  const dependency = createDependency('redis', { resetAfterMs: 100 })
  const redis = openRedis(
    {
      topology: 'single',
      nodes,
      sentinelName: undefined,
      username: undefined,
      tls: false,
      timeoutMs: 1_000,
      ...settings,
    },
    credentials,
    dependency,
    now,
  )
  return {
    ...redis,
    close() {
      redis.close()
      dependency.close()
    },
  }
}

export const addressOf = ({ url }: RedisServer) => new URL(url).host
export type { RedisServerOptions }

/** Until it resolves: connections are made in the background. */
export async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 10_000; ; ) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
