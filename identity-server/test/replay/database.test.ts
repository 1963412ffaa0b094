import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabaseIdentifiers } from '../../src/replay/database.ts'
import { createReplayGuardOn, type ReplayGuard, type ReplayScope } from '../../src/replay/guard.ts'
import type { Database } from '../../src/store/database.ts'
import { databases, postgresOnly, type Store, type StoreVariables } from '../support/databases.ts'

const scope: ReplayScope = { authServer: 'acme', kind: 'dpop', owner: 'thumbprint' }

let time = Date.parse('2026-01-01')
const soon = () => time + 60_000

function guardOn(db: Database): ReplayGuard {
  return createReplayGuardOn(createDatabaseIdentifiers(db), () => time)
}

describe.each(databases)('used identifiers on $kind', ({ start }) => {
  let store: Store
  let variables: StoreVariables
  let db: Database

  beforeAll(async () => {
    store = await start()
    variables = await store.create()
    db = await store.open(variables)
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  const rows = async (authServer: string) =>
    db.read({ authServer }, (tx) => tx.selectFrom('used_identifiers').selectAll().execute())

  test('are hashes of one length, below their tenant', async () => {
    await guardOn(db).firstUse(scope, 'a'.repeat(10_000), soon())
    const [row] = await rows('acme')
    expect(row?.hash).toHaveLength(32)
    expect(row?.expires_at).toEqual(new Date(soon()))
    expect(await rows('other')).toEqual([])
  })

  test('count as unused once they have expired, and then as used again', async () => {
    const guard = guardOn(db)
    expect(await guard.firstUse(scope, 'again', soon())).toBe(true)
    time += 60_000
    const results = await Promise.all(Array.from({ length: 20 }, () => guard.firstUse(scope, 'again', soon())))
    expect(results.filter(Boolean)).toHaveLength(1)
  })

  test('leave nothing of their tenant behind on the connection', async () => {
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const authServer = `tenant-${index}`
        await guardOn(db).firstUse({ ...scope, authServer }, 'x', soon())
        // Another transaction sees the rows of its own tenant and no others.
        expect((await rows(authServer)).map((row) => row.auth_server_id)).toEqual([authServer])
      }),
    )
  })

  test('do not go to the tenant of a transaction that runs at the same time', async () => {
    let used: Promise<boolean> | undefined
    const seen = await db.read({ authServer: 'tenant-1' }, async (tx) => {
      used = guardOn(db).firstUse({ ...scope, authServer: 'tenant-2' }, 'y', soon())
      await new Promise((resolve) => setTimeout(resolve, 50))
      return tx.selectFrom('used_identifiers').select('auth_server_id').distinct().execute()
    })
    expect(await used).toBe(true)
    expect(seen).toEqual([{ auth_server_id: 'tenant-1' }])
  })

  test('are deleted by maintenance when they have expired, and are no more to it', async () => {
    await guardOn(db).firstUse(scope, 'kept', soon() + 60_000)
    await db.commit('maintenance', (tx) =>
      tx.deleteFrom('used_identifiers').where('expires_at', '<=', new Date(soon())).execute(),
    )
    expect(await rows('acme')).toHaveLength(1)
    expect(await guardOn(db).firstUse(scope, 'kept', soon())).toBe(false)
    await expect(
      db.read('maintenance', (tx) => tx.selectFrom('used_identifiers').select('hash').execute()),
    ).rejects.toThrow()
  })

  test('are not forgotten over a restart', async () => {
    await guardOn(db).firstUse(scope, 'lasting', soon())
    await db.close()
    db = await store.open(variables)
    expect(await guardOn(db).firstUse(scope, 'lasting', soon())).toBe(false)
  })
})

describe.each(postgresOnly)('when $kind crashes', ({ start }) => {
  test('an identifier that was let through is used for good, and meanwhile none is let through', async () => {
    const store = await start()
    const db = await store.open(await store.create())
    try {
      const guard = guardOn(db)
      const identifiers = Array.from({ length: 50 }, (_, index) => `crash ${index}`)
      const use = (identifier: string) => guard.firstUse(scope, identifier, soon())
      const before = await Promise.all(identifiers.map(use))
      expect(before.every(Boolean)).toBe(true)
      await store.postgres?.crash()
      await expect(use('unknown')).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' })
      await store.postgres?.restart()
      // Connections of before may fail once each.
      await use('new').catch(() => undefined)
      const after = await Promise.all(identifiers.map((identifier) => use(identifier).catch(() => use(identifier))))
      expect(after.some(Boolean)).toBe(false)
    } finally {
      await db.close()
      await store.stop()
    }
  })
})

describe.each(postgresOnly)('on $kind, beside the rows of other tenants', ({ start }) => {
  test('an identifier is used by the role that row-level security binds', async () => {
    const store = await start()
    const variables = await store.create()
    const db = await store.open(variables)
    try {
      await store.query(variables, 'revoke insert on used_identifiers from postern_app')
      await expect(guardOn(db).firstUse(scope, 'a', soon())).rejects.toThrow()
      await store.query(variables, 'grant insert on used_identifiers to postern_app')
      expect(await guardOn(db).firstUse(scope, 'a', soon())).toBe(true)
    } finally {
      await db.close()
      await store.stop()
    }
  })
})
