import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRevocationLog } from '../../src/revocations/log.ts'
import { revokeAccessToken, revokeClient } from '../../src/revocations/revoke.ts'
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import type { Database } from '../../src/store/database.ts'
import { StoreError } from '../../src/store/errors.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import { databases, postgresOnly, type Store, type StoreVariables } from '../support/databases.ts'

const claims = (jti: string) => ({ jti, client_id: 'c', sub: 's', iat: Math.floor(Date.now() / 1_000) + 60 })
const exp = Math.floor(Date.now() / 1_000) + 3_600

async function addAuthServer(db: Database, id: string): Promise<void> {
  const row = { id, organization_id: 'root', name: id, description: '', audience: id, access_token_lifetime: 60 }
  await db.write({ organization: 'root', authServer: id }, (tx) =>
    insertAuthServer(tx, { ...row, signing_algorithm: 'ES256' }),
  )
}

async function open(store: Store, variables: StoreVariables): Promise<Database> {
  const db = await store.open(variables)
  await db.write({ organization: 'root' }, (tx) =>
    insertOrganization(tx, { id: 'root', parent_id: null, ancestors: ['root'], name: 'root' }),
  )
  await addAuthServer(db, 'a')
  return db
}

const revoke = (db: Database, jti: string, authServer = 'a') =>
  db.write({ authServer }, (tx) => revokeAccessToken(tx, authServer, jti, exp, Date.now()))

describe.each(databases)('the log of revocations on $kind', ({ start }) => {
  let store: Store
  let db: Database
  let reads = 0
  /** The database, with its reads counted, and what it can be told to be. */
  const watched = (changed: { listening?: () => boolean; down?: () => boolean } = {}): Database => ({
    ...db,
    changes: { ...db.changes, ...(changed.listening && { listening: changed.listening }) },
    read(tenant, work) {
      reads += 1
      if (changed.down?.()) return Promise.reject(new StoreError('unavailable', new Error('down')))
      return db.read(tenant, work)
    },
  })

  beforeAll(async () => {
    store = await start()
    db = await open(store, await store.create())
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  test('asks the database once, however many ask, and then answers at once', async () => {
    const log = createRevocationLog(watched(), Date.now)
    reads = 0
    const first = Array.from({ length: 50 }, (_, index) => log.isRevoked('a', claims(`j${index}`)))
    expect(await Promise.all(first)).toEqual(first.map(() => false))
    expect(log.isRevoked('a', claims('j'))).toBe(false)
    expect(reads).toBe(1)
  })

  test('knows of a revocation when the write returns, and reads only what is new', async () => {
    const log = createRevocationLog(watched(), Date.now)
    await log.isRevoked('a', claims('x'))
    reads = 0
    await revoke(db, 'known')
    expect(await log.isRevoked('a', claims('known'))).toBe(true)
    expect(log.isRevoked('a', claims('known'))).toBe(true)
    expect(log.isRevoked('a', claims('unknown'))).toBe(false)
    expect(reads).toBe(1)
    const { revocations } = await log.after('a', [], 99)
    expect(revocations.map(({ value }) => value)).toEqual(['known'])
  })

  test('covers tokens by client and subject', async () => {
    const log = createRevocationLog(db, Date.now)
    const { iat } = claims('j')
    await db.write({ authServer: 'a' }, (tx) => revokeClient(tx, 'a', 'c', Date.now(), iat))
    expect(await log.isRevoked('a', claims('j'))).toBe(true)
    expect(await log.isRevoked('a', { ...claims('j'), iat: iat + 60 })).toBe(false)
    expect(await log.isRevoked('a', { ...claims('j'), client_id: 'd' })).toBe(false)
  })

  test('trusts what it knows for ten seconds while no changes are heard, and then asks again', async () => {
    let time = Date.now()
    const log = createRevocationLog(watched({ listening: () => false }), () => time)
    await log.isRevoked('a', claims('j'))
    reads = 0
    time += 9_999
    expect(log.isRevoked('a', { jti: 'j' })).toBe(false)
    expect(reads).toBe(0)
    time += 1
    await log.isRevoked('a', { jti: 'j' })
    expect(reads).toBe(1)
  })

  test('does not guess where it cannot know', async () => {
    let time = Date.now()
    let down = true
    const log = createRevocationLog(watched({ listening: () => false, down: () => down }), () => time)
    await expect(log.isRevoked('a', claims('j'))).rejects.toMatchObject({ kind: 'unavailable' })
    down = false
    expect(await log.isRevoked('a', { jti: 'j' })).toBe(false)
    down = true
    time += 10_000
    await expect(log.isRevoked('a', { jti: 'j' })).rejects.toMatchObject({ kind: 'unavailable' })
    down = false
    expect(await log.isRevoked('a', { jti: 'j' })).toBe(false)
  })

  test('starts afresh where the stream is another, or behind what was known', async () => {
    await addAuthServer(db, 'b')
    const log = createRevocationLog(db, Date.now)
    for (const jti of ['one', 'two', 'three']) await revoke(db, jti, 'b')
    const { stream = '', revocations } = await log.after('b', [], 99)
    expect(revocations).toHaveLength(3)
    const end = { stream, sequence: 3 }
    expect((await log.after('b', [end], 99)).revocations).toEqual([])

    // As a restored backup would have it.
    await db.write({ authServer: 'b' }, async (tx) => {
      await tx.deleteFrom('revocations').where('sequence', '>', '1').execute()
      await tx.updateTable('revocation_streams').set({ last_sequence: '1' }).execute()
    })
    await revoke(db, 'four', 'b')
    expect((await log.after('b', [end], 99)).revocations.map(({ value }) => value)).toEqual(['one', 'four'])
    expect(await Promise.all(['one', 'two', 'four'].map((jti) => log.isRevoked('b', { jti })))).toEqual([
      true,
      false,
      true,
    ])

    await db.write({ authServer: 'b' }, async (tx) => {
      await tx.deleteFrom('revocations').execute()
      await tx.deleteFrom('revocation_streams').execute()
    })
    await revoke(db, 'five', 'b')
    const anew = await log.after('b', [end], 99)
    expect(anew.stream).not.toBe(stream)
    expect(anew.revocations.map(({ value }) => value)).toEqual(['five'])
    expect(await log.isRevoked('b', { jti: 'one' })).toBe(false)
  })
})

describe.each(postgresOnly)('two replicas on $kind', ({ start }) => {
  test('know of each other’s revocations within a second, and of positions at once', async () => {
    const store = await start()
    try {
      const variables = await store.create()
      const [one, two] = [await open(store, variables), await store.open(variables)]
      const log = createRevocationLog(two, Date.now)
      for (let round = 0; round < 20; round += 1) {
        const jti = `round-${round}`
        expect(await log.isRevoked('a', { jti })).toBe(false)
        await revoke(one, jti)
        const began = performance.now()
        while (!(await log.isRevoked('a', { jti }))) {
          expect(performance.now() - began).toBeLessThan(1_000)
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      }
      const { stream = '' } = await log.after('a', [], 1)
      // A position that the other one has given out, before this one has heard that there is such a number.
      await revoke(one, 'latest')
      const page = await log.after('a', [{ stream, sequence: 21 }], 99)
      expect([page.begins, page.revocations]).toEqual([21, []])
      await Promise.all([one.close(), two.close()])
    } finally {
      await store.stop()
    }
  })
})
