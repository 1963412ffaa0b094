import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabaseIdentifiers } from '../../src/replay/database.ts'
import {
  createReplayGuard,
  createReplayGuardOn,
  maxKeptMs,
  type ReplayGuard,
  type ReplayScope,
} from '../../src/replay/guard.ts'
import { createRedisIdentifiers } from '../../src/replay/redis.ts'
import { openRedis } from '../../src/store/redis.ts'
import { databases } from '../support/databases.ts'
import { redisServers } from '../support/redis-servers.ts'
import { until } from '../support/wait.ts'

/** A memory, and two replicas that share it. */
interface Bench {
  guards: readonly [ReplayGuard, ReplayGuard]
  stop(): Promise<void>
}

const offset = 0
const now = () => Date.now() + offset

const onDatabases = databases.map(({ kind, start }) => ({
  kind: String(kind),
  async start(): Promise<Bench> {
    const store = await start()
    const variables = await store.create()
    const one = await store.open(variables)
    // PGlite has one process, so two replicas are two guards on one connection.
    const another = kind === 'postgres' ? await store.open(variables) : one
    return {
      guards: [one, another].map((db) => createReplayGuardOn(createDatabaseIdentifiers(db), now)) as [
        ReplayGuard,
        ReplayGuard,
      ],
      async stop() {
        for (const db of new Set([one, another])) await db.close()
        await store.stop()
      },
    }
  },
}))

const onRedis = redisServers.map(({ kind, cluster, start }) => ({
  kind: String(kind),
  async start(): Promise<Bench> {
    const server = await start()
    const connections = [openRedis({ url: server.url, cluster }), openRedis({ url: server.url, cluster })]
    for (const connection of connections) await until(() => connection.ping())
    return {
      guards: connections.map((redis) => createReplayGuardOn(createRedisIdentifiers(redis), now)) as [
        ReplayGuard,
        ReplayGuard,
      ],
      async stop() {
        for (const connection of connections) await connection.close()
        await server.stop()
      },
    }
  },
}))

describe.each([...onDatabases, ...onRedis])('the replay guard on $kind', ({ start }) => {
  let bench: Bench
  let one: ReplayGuard
  let another: ReplayGuard

  beforeAll(async () => {
    bench = await start()
    ;[one, another] = bench.guards
  })
  afterAll(() => bench?.stop())

  const scope: ReplayScope = { authServer: 'acme', kind: 'client_assertion', owner: 'client' }
  const soon = () => now() + 60_000

  test('lets an identifier through once, whichever replica is asked', async () => {
    expect(await one.firstUse(scope, 'once', soon())).toBe(true)
    expect(await one.firstUse(scope, 'once', soon())).toBe(false)
    expect(await another.firstUse(scope, 'once', soon() + 1)).toBe(false)
  })

  test('of fifty at once across two replicas, one', async () => {
    for (let round = 0; round < 5; round += 1) {
      const guards = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one : another))
      const results = await Promise.all(guards.map((guard) => guard.firstUse(scope, `race ${round}`, soon())))
      expect(results.filter(Boolean)).toHaveLength(1)
    }
  })

  test.each<[string, ReplayScope]>([
    ['tenants', { ...scope, authServer: 'other' }],
    ['kinds', { ...scope, kind: 'dpop' }],
    ['owners', { ...scope, owner: 'other' }],
  ])('%s do not take each other’s identifiers', async (what, other) => {
    expect(await one.firstUse(scope, what, soon())).toBe(true)
    expect(await one.firstUse(other, what, soon())).toBe(true)
    expect(await one.firstUse(other, what, soon())).toBe(false)
  })

  test('parts cannot be moved from the owner into the identifier', async () => {
    const cut = (owner: string, identifier: string) => one.firstUse({ ...scope, owner }, identifier, soon())
    expect(await Promise.all([cut('a', 'bc'), cut('ab', 'c'), cut('a","b', 'c'), cut('a', 'b","c')])).toEqual(
      Array.from({ length: 4 }, () => true),
    )
  })

  test('takes identifiers of any length and with any characters', async () => {
    for (const identifier of [
      '',
      'a'.repeat(100_000),
      '\u0000',
      '💡',
      '\ud800',
      '{a}',
      "'; drop table used_identifiers; --",
    ]) {
      expect(await one.firstUse(scope, identifier, soon())).toBe(true)
      expect(await another.firstUse(scope, identifier, soon())).toBe(false)
    }
  })

  test('lets nothing through that has expired, not even once', async () => {
    expect(await one.firstUse(scope, 'late', now())).toBe(false)
    expect(await one.firstUse(scope, 'late', now() - 1)).toBe(false)
  })

  test.each([maxKeptMs + 60_000, Number.POSITIVE_INFINITY, Number.NaN])('does not keep anything for %d ms', (keepMs) =>
    expect(one.firstUse(scope, 'for ever', now() + keepMs)).rejects.toThrow(RangeError),
  )
})

test('where there is a Redis, it remembers, and the database is not asked', async () => {
  const refuse = async () => {
    throw new Error('not to be asked')
  }
  const redis = { run: async () => 'OK' as never, ping: refuse, close: refuse }
  const scope: ReplayScope = { authServer: 'acme', kind: 'dpop', owner: 'key' }
  expect(await createReplayGuard({ call: refuse }, redis, now).firstUse(scope, 'a', now() + 1_000)).toBe(true)
  const onDatabase = createReplayGuard({ call: async () => true }, undefined, now)
  expect(await onDatabase.firstUse(scope, 'a', now() + 1_000)).toBe(true)
})
