import type { RevocationKind } from '@postern/protocol/revocation'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import type { Database } from '../../src/store/database.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import { findRevocationStream } from '../../src/store/revocation-streams.ts'
import { insertRevocation, listRevocations, type NewRevocation } from '../../src/store/revocations.ts'
import { databases, postgresOnly, type Store, type StoreVariables } from '../support/databases.ts'

const authServer = (id: string) => ({
  id,
  organization_id: 'root',
  name: id,
  description: '',
  audience: id,
  access_token_lifetime: 60,
  signing_algorithm: 'ES256',
})

async function openWithAuthServers(store: Store, variables: StoreVariables): Promise<Database> {
  const db = await store.open(variables)
  await db.write({ organization: 'root' }, (tx) =>
    insertOrganization(tx, { id: 'root', parent_id: null, ancestors: ['root'], name: 'root' }),
  )
  for (const id of ['a', 'b', 'c', 'd']) {
    await db.write({ organization: 'root', authServer: id }, (tx) => insertAuthServer(tx, authServer(id)))
  }
  return db
}

const revocation = (kind: RevocationKind, value: string, more: Partial<NewRevocation> = {}): NewRevocation => ({
  kind,
  value,
  ...((kind === 'client' || kind === 'subject') && { notBefore: 1_000 }),
  expiresAt: 4_000_000_000,
  revokedAt: 1_000,
  ...more,
})

describe.each(databases)('revocations on $kind', ({ start }) => {
  let store: Store
  let db: Database

  beforeAll(async () => {
    store = await start()
    db = await openWithAuthServers(store, await store.create())
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  const insert = (id: string, row: NewRevocation) => db.write({ authServer: id }, (tx) => insertRevocation(tx, id, row))
  const list = (id: string, after = 0, limit = 1_000) =>
    db.read({ authServer: id }, (tx) => listRevocations(tx, id, { after, limit, now: 0 }))
  const stream = (id: string) => db.read({ authServer: id }, (tx) => findRevocationStream(tx, id))

  test('are numbered from one in each auth server, in a stream of its own', async () => {
    expect(await stream('a')).toBeUndefined()
    for (let index = 0; index < 120; index += 1) await insert('a', revocation('token', `j${index}`))
    await insert('b', revocation('token', 'j0'))
    const rows = await list('a')
    expect(rows.map(({ value }) => value)).toEqual(Array.from({ length: 120 }, (_, index) => `j${index}`))
    expect(rows.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1))
    expect((await list('a', 9, 5)).map(({ sequence }) => sequence)).toEqual([10, 11, 12, 13, 14])
    expect((await list('b')).map(({ sequence }) => sequence)).toEqual([1])
    const [one, another] = [await stream('a'), await stream('b')]
    expect([one?.lastSequence, another?.lastSequence]).toEqual([120, 1])
    expect(one?.id).not.toBe(another?.id)
  })

  test('keep what they are about, to the second', async () => {
    const rows = [
      revocation('token', 'j', { expiresAt: 2_000_000_001 }),
      revocation('grant', 'g'),
      revocation('client', 'c', { notBefore: 1_234_567_891 }),
      revocation('subject', 'öß 💥'),
      revocation('key', 'k', { revokedAt: 1_700_000_003 }),
    ]
    for (const row of rows) await insert('c', row)
    expect(await list('c')).toEqual(rows.map((row, index) => ({ notBefore: undefined, ...row, sequence: index + 1 })))
  })

  describe('of the same kind and value', () => {
    test('stay where they are if they cover the new one', async () => {
      const wide = revocation('client', 'wide', { notBefore: 5_000, expiresAt: 2_000_000_000 })
      await insert('d', wide)
      const [before] = await list('d')
      await insert('d', { ...wide, notBefore: 4_000, revokedAt: 9_000 })
      await insert('d', { ...wide, expiresAt: 1_000_000_000 })
      await insert('d', wide)
      expect(await list('d')).toEqual([before])
    })

    test('move to the end, and reach as far as both, if they do not', async () => {
      const one = revocation('subject', 's', { notBefore: 5_000, expiresAt: 2_000_000_000 })
      await insert('d', one)
      await insert('d', revocation('token', 'between'))
      await insert('d', { ...one, notBefore: 6_000, expiresAt: 1_000_000_000, revokedAt: 2_000 })
      const last = (await list('d')).at(-1)
      expect(last).toMatchObject({ ...one, notBefore: 6_000, revokedAt: 2_000 })
      await insert('d', revocation('token', 'between', { expiresAt: 4_100_000_000 }))
      expect((await list('d')).map(({ value }) => value).slice(-2)).toEqual(['s', 'between'])
    })

    test('but of another kind, are something else', async () => {
      await insert('d', revocation('grant', 'same'))
      await insert('d', revocation('key', 'same'))
      expect((await list('d')).filter(({ value }) => value === 'same').map(({ kind }) => kind)).toEqual([
        'grant',
        'key',
      ])
    })
  })

  test('are not listed once they have expired', async () => {
    await insert('c', revocation('token', 'short', { expiresAt: 1_500_000_000 }))
    const listed = async (now: number) =>
      (await db.read({ authServer: 'c' }, (tx) => listRevocations(tx, 'c', { after: 0, limit: 99, now }))).some(
        ({ value }) => value === 'short',
      )
    expect([await listed(1_499_999_999_999), await listed(1_500_000_000_000)]).toEqual([true, false])
  })

  test('with a cut-off where there can be none, or without one where it is needed, are refused', async () => {
    const refused = { kind: 'invalid_value' }
    await expect(insert('d', revocation('token', 'j', { notBefore: 1 }))).rejects.toMatchObject(refused)
    await expect(insert('d', revocation('client', 'x', { notBefore: undefined }))).rejects.toMatchObject(refused)
    await expect(insert('d', revocation('token', ''))).rejects.toMatchObject(refused)
  })

  test('that are undone leave no trace', async () => {
    const before = await list('d')
    const undone = db.write({ authServer: 'd' }, async (tx) => {
      await insertRevocation(tx, 'd', revocation('token', 'undone'))
      throw new Error('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    expect(await list('d')).toEqual(before)
  })

  test('are seen by maintenance as far as it needs to sweep them, and no further', async () => {
    const swept = await db.commit('maintenance', async (tx) => {
      const before = await sql<{ n: string }>`select count(expires_at) as n from revocations`.execute(tx)
      await sql`delete from revocations where expires_at < to_timestamp(3000000000)`.execute(tx)
      const after = await sql<{ n: string }>`select count(expires_at) as n from revocations`.execute(tx)
      return Number(before.rows[0]?.n) - Number(after.rows[0]?.n)
    })
    expect(swept).toBeGreaterThan(0)
    const values = db.read('maintenance', (tx) => sql`select value from revocations`.execute(tx))
    await expect(values).rejects.toThrow()
  })
})

describe.each(postgresOnly)('a reader beside many writers on $kind', ({ start }) => {
  test('never sees a number before a smaller one: fifty writers, on two connections pools', async () => {
    const store = await start()
    try {
      const variables = await store.create()
      const [one, two] = [await openWithAuthServers(store, variables), await store.open(variables)]
      let writing = true
      const seen: number[] = []
      const read = async () => {
        for (let last = false; !last; ) {
          last = !writing
          const after = seen.at(-1) ?? 0
          const rows = await two.read({ authServer: 'a' }, (tx) =>
            listRevocations(tx, 'a', { after, limit: 1_000, now: 0 }),
          )
          seen.push(...rows.map(({ sequence }) => sequence))
        }
      }
      const write = (writer: number) =>
        Array.from({ length: 10 }, (_, index) => index).reduce(async (before, index) => {
          await before
          await (writer % 2 ? one : two).commit({ authServer: 'a' }, async (tx) => {
            await insertRevocation(tx, 'a', revocation('token', `${writer}-${index}`))
            // What is numbered first may well be committed later, unless numbers are given one at a time.
            await sql`select pg_sleep(${Math.random() / 500})`.execute(tx)
          })
        }, Promise.resolve())
      const reading = read()
      await Promise.all(Array.from({ length: 50 }, (_, writer) => write(writer)))
      writing = false
      await reading
      expect(seen).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
      await Promise.all([one.close(), two.close()])
    } finally {
      await store.stop()
    }
  })
})
