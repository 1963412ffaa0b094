/** Redis alone and as a cluster, for `describe.each(redisServers)`; none where it is not installed. */
import { hasRedis, type RedisServer, startRedis } from '@postern/tools/servers/redis'

export interface RedisKind {
  kind: 'redis' | 'redis cluster'
  cluster: boolean
  start(): Promise<RedisServer>
}

async function installed(): Promise<RedisKind[]> {
  if (process.env.CI !== 'true' && !(await hasRedis())) {
    process.stderr.write('SKIPPED: tests on Redis, because it is not installed\n')
    return []
  }
  return [
    { kind: 'redis', cluster: false, start: () => startRedis() },
    { kind: 'redis cluster', cluster: true, start: () => startRedis({ cluster: true }) },
  ]
}

/** With CI=true they are there even where Redis is missing, so that their tests fail. */
export const redisServers: readonly RedisKind[] = await installed()
