/** A connection to Redis with credentials that may change: another one is made beside it, and takes its place once it is ready. */
import type { Secret } from '../../config/changing-secret.ts'
import type { OpenRedis, RedisConnection } from './connection.ts'

/** @param endMs how long commands may be under way on a connection that another one has replaced */
export function createChangingRedis<Credentials>(
  credentials: Pick<Secret<Credentials>, 'current'>,
  open: (credentials: Credentials) => OpenRedis,
  endMs: number,
): RedisConnection {
  let used = credentials.current()
  let redis = open(used)
  let next: OpenRedis | undefined
  const retired = new Map<OpenRedis, NodeJS.Timeout>()

  const retire = (old: OpenRedis) => {
    const end = () => {
      retired.delete(old)
      old.close()
    }
    retired.set(old, setTimeout(end, endMs).unref())
  }

  /** The old one serves while it can: what was changed here first may not be in force at the server yet. */
  const current = () => {
    const found = credentials.current()
    if (found !== used) {
      next?.close()
      next = open(found)
      used = found
    }
    if (next && (next.isReady() || !redis.isReady())) {
      retire(redis)
      redis = next
      next = undefined
    }
    return redis
  }

  return {
    run: (command) => current().run(command),
    keepsAll: () => current().keepsAll(),
    close() {
      for (const [old, timer] of retired) {
        clearTimeout(timer)
        old.close()
      }
      next?.close()
      redis.close()
    },
  }
}
