import type { Config } from '../schema.ts'
import { isLoopback, type PathProblem } from './check.ts'

/** A second server would never be asked, and Sentinel is asked by a name. */
export function redisTopology({ redis }: Config): PathProblem[] {
  if (!redis) return []
  const { topology, nodes, sentinel_name } = redis
  if (topology === 'single' && nodes.length > 1) return [{ path: ['redis', 'nodes'], reason: 'must be one server' }]
  if ((topology === 'sentinel') === (sentinel_name !== undefined)) return []
  const reason = topology === 'sentinel' ? 'is needed to ask Sentinel' : 'is of no use without Sentinel'
  return [{ path: ['redis', 'sentinel_name'], reason }]
}

/** Values are encrypted anyhow; the password is not. */
export function redisPasswordsOverTls({ redis }: Config): PathProblem[] {
  if (!redis || redis.tls || !(redis.password ?? redis.sentinel_password)) return []
  return redis.nodes.flatMap((node, index) =>
    URL.canParse(`http://${node}`) && isLoopback(new URL(`http://${node}`).hostname)
      ? []
      : [{ path: ['redis', 'nodes', String(index)], reason: 'gets a password, so tls must be true beyond loopback' }],
  )
}
