import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revokeClient, revokeGrant, revokeSubject } from '../../src/revocations/revoke.ts'
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import { insertClient } from '../../src/store/clients.ts'
import type { Database } from '../../src/store/database.ts'
import { findGrant, type GrantUse, insertGrant, listGrants } from '../../src/store/grants.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import { findGrantByCall, rotateGrant } from '../../src/store/presented-grants.ts'
import { listRevocations } from '../../src/store/revocations.ts'
import { databases, type Store } from '../support/databases.ts'

const now = Date.parse('2026-06-01T12:00:00.500Z')
const tenant = { authServer: 'a' }

describe.each(databases)('grants on $kind', ({ start }) => {
  let store: Store
  let db: Database

  beforeAll(async () => {
    store = await start()
    db = await store.open(await store.create())
    await db.write({ organization: 'o', authServer: 'a' }, async (tx) => {
      await insertOrganization(tx, { id: 'o', parent_id: null, ancestors: ['o'], name: 'o' })
      const row = {
        id: 'a',
        organization_id: 'o',
        name: 'a',
        description: '',
        audience: 'a',
        access_token_lifetime: 60,
      }
      await insertAuthServer(tx, { ...row, signing_algorithm: 'ES256' })
      for (const id of ['c', 'd']) {
        const client = { id, name: id, enabled: true, grant_types: [], token_endpoint_auth_methods: [] }
        await insertClient(
          tx,
          'a',
          { ...client, audience: null, access_token_lifetime: null, may_introspect: false },
          [],
        )
      }
    })
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  const use = (token: string, at = now): GrantUse => ({
    token_hash: Buffer.from(token),
    used_at: new Date(at),
    idle_until: new Date(at + 1_000_000),
    ends_at: new Date(at + 2_000_000),
    access_ends_at: new Date(at + 300_000),
    expires_at: new Date(at + 86_400_000),
  })
  const insert = (id: string, client = 'c', subject = 's', at = now) =>
    db.commit(tenant, (tx) =>
      insertGrant(tx, 'a', { id, client_id: client, subject, granted: '{}', created_at: new Date(at), ...use(id, at) }),
    )
  const find = (id: string) => db.read(tenant, (tx) => findGrant(tx, 'a', id))
  const rotate = (id: string, from: string, to: GrantUse, by = 'a') => rotateGrant(db, by, id, Buffer.from(from), to)
  const ids = async (filter: { client?: string; subject?: string }, after?: string) =>
    (await db.read(tenant, (tx) => listGrants(tx, 'a', filter, { after, limit: 3 }))).map(({ id }) => id)

  test('one of many concurrent rotations takes place', async () => {
    await insert('one')
    const done = await Promise.all(Array.from({ length: 30 }, (_, index) => rotate('one', 'one', use(`next${index}`))))
    expect(done.filter(Boolean)).toHaveLength(1)
    const row = await find('one')
    expect(Buffer.from(row?.token_hash ?? []).toString()).toBe(`next${done.indexOf(true)}`)
  })

  test('is found by one call as by a query, and neither found nor rotated by another auth server', async () => {
    await insert('call')
    const row = await find('call')
    expect(row && { ...row, token_hash: Buffer.from(row.token_hash) }).toEqual(await findGrantByCall(db, 'a', 'call'))
    expect(await findGrantByCall(db, 'a', 'unknown')).toBeUndefined()
    for (const other of ['b', '', 'A']) {
      expect(await findGrantByCall(db, other, 'call')).toBeUndefined()
      expect(await rotate('call', 'call', use('next'), other)).toBe(false)
    }
    expect(await find('call')).toEqual(row)
  })

  test('a rotation never brings the end of the access tokens forward', async () => {
    await insert('two')
    expect(await rotate('two', 'two', { ...use('next'), access_ends_at: new Date(now) })).toBe(true)
    expect((await find('two'))?.access_ends_at).toEqual(new Date(now + 300_000))
  })

  test('revoking one deletes it, and is remembered until its last access token has expired', async () => {
    await insert('three')
    const revoked = await db.write(tenant, (tx) => revokeGrant(tx, 'a', 'three', now))
    expect(revoked).toMatchObject({ id: 'three', client_id: 'c', subject: 's' })
    expect(await find('three')).toBeUndefined()
    expect(await rotate('three', 'three', use('next'))).toBe(false)
    expect(await db.write(tenant, (tx) => revokeGrant(tx, 'a', 'unknown', now))).toBeUndefined()
    const seconds = Math.floor(now / 1_000)
    expect(await db.read(tenant, (tx) => listRevocations(tx, 'a', { after: 0, limit: 10, now }))).toEqual([
      expect.objectContaining({ kind: 'grant', value: 'three', expiresAt: seconds + 301 }),
      expect.objectContaining({ kind: 'grant', value: 'unknown', expiresAt: seconds + 86_400 }),
    ])
  })

  test('revoking a client or a subject deletes its grants up to that second, and no others', async () => {
    const second = Math.floor(now / 1_000)
    await insert('p', 'd', 'x', second * 1_000 - 1)
    await insert('q', 'd', 'x', second * 1_000 + 999)
    await insert('r', 'd', 'x', second * 1_000 + 1_000)
    await insert('t', 'd', 'y')
    await insert('u', 'c', 'x')
    await db.write(tenant, (tx) => revokeSubject(tx, 'a', 'x', now + 5_000, second - 1))
    expect(await ids({ subject: 'x' })).toEqual(['q', 'r', 'u'])
    await db.write(tenant, (tx) => revokeClient(tx, 'a', 'd', now + 5_000, second))
    expect(await ids({ client: 'd' })).toEqual(['r'])
    expect(await ids({ subject: 'x' })).toEqual(['r', 'u'])
  })

  test('are listed by client, by subject, by both, in pages', async () => {
    for (const id of ['B', 'a', 'b', 'Z-1', '_', '-']) await insert(`l${id}`, 'd', `subject ${id}`)
    expect(await ids({ client: 'd' })).toEqual(['l-', 'lB', 'lZ-1'])
    expect(await ids({ client: 'd' }, 'lZ-1')).toEqual(['l_', 'la', 'lb'])
    expect(await ids({ subject: 'subject b' })).toEqual(['lb'])
    expect(await ids({ client: 'c', subject: 'subject b' })).toEqual([])
    expect(await ids({})).toHaveLength(3)
  })
})
