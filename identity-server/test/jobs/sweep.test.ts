import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sweep, sweptTables } from '../../src/jobs/sweep.ts'
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import type { Database, Tx } from '../../src/store/database.ts'
import { deleteExpired, type ExpiringTable } from '../../src/store/expired-rows.ts'
import { insertInitialAccessToken } from '../../src/store/initial-access-tokens.ts'
import { tryLock } from '../../src/store/lock.ts'
import { insertOpaqueToken } from '../../src/store/opaque-tokens.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import { insertRevocation } from '../../src/store/revocations.ts'
import { useIdentifier } from '../../src/store/used-identifiers.ts'
import { databases, type Store } from '../support/databases.ts'

const start = Date.parse('2030-01-01')
const never = new AbortController().signal

describe.each(databases)('the sweep on $kind', ({ start: startStore }) => {
  let store: Store
  let db: Database

  beforeAll(async () => {
    store = await startStore()
    db = await store.open(await store.create())
    for (const id of ['a', 'b']) {
      await db.write({ organization: id, authServer: id }, async (tx) => {
        await insertOrganization(tx, { id, parent_id: null, ancestors: [id], name: id })
        const row = { id, organization_id: id, name: id, description: '', audience: id, access_token_lifetime: 60 }
        await insertAuthServer(tx, { ...row, signing_algorithm: 'ES256' })
        await sql`insert into clients values (${id}, 'c', 'C', true, '{}', '{}', null, null, false)`.execute(tx)
      })
    }
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  let count = 0
  /** One row in each table, which expires then. */
  const insert: Record<string, (authServer: string, expiresAt: number) => Promise<unknown>> = {
    grants: (authServer, expiresAt) =>
      db.commit({ authServer }, (tx) => {
        count += 1
        const at = new Date(expiresAt)
        return sql`insert into grants values (${authServer}, ${String(count)}, 'c', 's', '{}', null, '', ${at}, ${at},
          ${at}, ${at}, ${at}, ${at})`.execute(tx)
      }),
    initial_access_tokens: (authServer, expiresAt) =>
      db.commit({ authServer }, (tx) => {
        count += 1
        const row = { id: String(count), name: 'n', hash: Buffer.from(String(count)), uses_left: 1 }
        return insertInitialAccessToken(tx, authServer, { ...row, expires_at: new Date(expiresAt) })
      }),
    opaque_tokens: (authServer, expiresAt) =>
      db.commit({ authServer }, (tx) => {
        count += 1
        const row = { hash: Buffer.from(String(count)), claims: {}, expiresAt: new Date(expiresAt) }
        return insertOpaqueToken(tx, authServer, row)
      }),
    revocations: (authServer, expiresAt) =>
      db.write({ authServer }, (tx) => {
        count += 1
        const row = { kind: 'token', value: String(count), expiresAt: expiresAt / 1_000, revokedAt: 1 } as const
        return insertRevocation(tx, authServer, row)
      }),
    used_identifiers: (authServer, expiresAt) => {
      count += 1
      const hash = Buffer.alloc(32, String(count).padStart(32, '0'))
      return useIdentifier(db, authServer, hash, new Date(expiresAt), new Date(0))
    },
  }
  const left = async (table: ExpiringTable, authServer: string): Promise<number[]> => {
    const rows = await db.read({ authServer }, (tx) =>
      tx.selectFrom(table).select('expires_at').orderBy('expires_at').execute(),
    )
    return rows.map(({ expires_at }) => (expires_at?.getTime() ?? 0) - start)
  }

  test.each(sweptTables)(
    '%s: what has expired goes, in every auth server, some time after; the rest stays',
    async (table) => {
      for (const authServer of ['a', 'b']) {
        for (const after of [-1_000, 0, 1_000]) await insert[table]?.(authServer, start + after)
      }
      const run = (now: number) => sweep(db).run(now, never)
      await run(start)
      expect(await left(table, 'a')).toEqual([-1_000, 0, 1_000])
      await run(start + 300_000)
      for (const authServer of ['a', 'b']) expect(await left(table, authServer)).toEqual([1_000])
      await run(start + 301_000)
      for (const authServer of ['a', 'b']) expect(await left(table, authServer)).toEqual([])
    },
  )

  test('goes batch by batch, what expired first first, until nothing is left', async () => {
    for (let after = 0; after < 23; after += 1) await insert.opaque_tokens?.('a', start + after * 1_000)
    const swept = (limit: number) =>
      db.commit('maintenance', (tx) => deleteExpired(tx, 'opaque_tokens', new Date(start + 20_000), limit))
    expect(await swept(10)).toBe(10)
    expect((await left('opaque_tokens', 'a'))[0]).toBe(10_000)
    expect([await swept(10), await swept(10), await swept(10)]).toEqual([10, 1, 0])
    expect(await left('opaque_tokens', 'a')).toEqual([21_000, 22_000])
  })

  test('does nothing once asked to stop, and leaves to another what another is at', async () => {
    await insert.revocations?.('a', start)
    const stopped = AbortSignal.abort()
    await sweep(db).run(start + 400_000, stopped)
    expect(await left('revocations', 'a')).toEqual([0])
    if (store.kind === 'postgres') {
      await db.commit('maintenance', async (tx) => {
        for (const table of sweptTables) expect(await tryLock(tx, `sweep ${table}`)).toBe(true)
        await sweep(db).run(start + 400_000, never)
        expect(await left('revocations', 'a')).toEqual([0])
      })
    }
    await sweep(db).run(start + 400_000, never)
    expect(await left('revocations', 'a')).toEqual([])
  })

  test('sees when rows expire and whose they are, and nothing else of them', async () => {
    const attempts: ((tx: Tx) => Promise<unknown>)[] = [
      (tx) => tx.selectFrom('opaque_tokens').select('claims').execute(),
      (tx) => tx.selectFrom('opaque_tokens').select('hash').execute(),
      (tx) => tx.selectFrom('revocations').select('value').execute(),
      (tx) =>
        tx
          .updateTable('revocations')
          .set({ expires_at: new Date(0) })
          .execute(),
      (tx) => deleteExpired(tx, 'client_secrets', new Date(start), 10),
    ]
    for (const attempt of attempts) {
      await expect(db.commit('maintenance', attempt)).rejects.toMatchObject({ kind: 'unknown_reference' })
    }
  })
})
