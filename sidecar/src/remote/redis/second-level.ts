/**
 * A second level below a cache in memory, that several sidecars share. It can only save time: where Redis is down, slow, or
 * holds nonsense, it is as if it were empty.
 */
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { RedisConnection } from './connection.ts'
import type { Sealing } from './sealing.ts'

export interface SecondLevel<Kept> {
  /** Never rejects. */
  get(...key: string[]): Promise<Kept | undefined>
  /** In the background. @param ttlMs how long it may be used at most */
  set(value: Kept, ttlMs: number, ...key: string[]): void
  /** In the background. */
  delete(...key: string[]): void
}

/** Values beyond this are not kept: reading them would cost more than they save. */
const maxBytes = 64 * 1024

export interface SecondLevelOptions<Schema extends TSchema> {
  redis: RedisConnection
  sealing: Sealing
  /** Of all keys of these sidecars. */
  prefix: string
  /** What is kept, and whose it is. */
  kind: readonly string[]
  schema: Schema
}

export function createSecondLevel<Schema extends TSchema>({
  redis,
  sealing,
  prefix,
  kind,
  schema,
}: SecondLevelOptions<Schema>): SecondLevel<Static<Schema>> {
  const nameOf = (key: string[]) => `${prefix}${sealing.name(...kind, ...key)}`

  return {
    async get(...key) {
      const name = nameOf(key)
      try {
        const sealed = await redis.run((commands) => commands.getBuffer(name))
        const opened = sealed === null ? undefined : sealing.open(name, sealed)
        const value: unknown = opened === undefined ? undefined : JSON.parse(opened)
        return Value.Check(schema, value) ? value : undefined
      } catch {
        // Its breaker and the metrics tell; whoever asks goes on without.
        return undefined
      }
    },
    set(value, ttlMs, ...key) {
      const name = nameOf(key)
      const sealed = sealing.seal(name, JSON.stringify(value))
      if (ttlMs < 1 || sealed.length > maxBytes) return
      redis.run((commands) => commands.set(name, sealed, 'PX', Math.floor(ttlMs))).catch(() => undefined)
    },
    delete(...key) {
      redis.run((commands) => commands.del(nameOf(key))).catch(() => undefined)
    },
  }
}
