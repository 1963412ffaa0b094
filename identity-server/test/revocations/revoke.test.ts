import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { admitsGrant, revokeClient, revokeSubject } from '../../src/revocations/revoke.ts'
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import { insertClient } from '../../src/store/clients.ts'
import type { Database, Tx } from '../../src/store/database.ts'
import { insertGrant, listGrants } from '../../src/store/grants.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import { databases, postgresOnly } from '../support/databases.ts'

const tenant = { authServer: 'a' }
const now = Date.parse('2026-06-01T12:00:00.500Z')
const second = Math.floor(now / 1_000)

async function addTenant(db: Database): Promise<void> {
  await db.write({ organization: 'o', authServer: 'a' }, async (tx) => {
    await insertOrganization(tx, { id: 'o', parent_id: null, ancestors: ['o'], name: 'o' })
    const row = { organization_id: 'o', name: 'a', description: '', audience: 'a', access_token_lifetime: 60 }
    await insertAuthServer(tx, { ...row, id: 'a', signing_algorithm: 'ES256' })
    const client = { id: 'c', name: 'c', enabled: true, grant_types: [], token_endpoint_auth_methods: [] }
    await insertClient(tx, 'a', { ...client, audience: null, access_token_lifetime: null, may_introspect: false }, [])
  })
}

async function makeGrant(tx: Tx, id: string, createdAt = now): Promise<boolean> {
  if (!(await admitsGrant(tx, 'a', { client: 'c', subject: 's', createdAt }))) return false
  const later = new Date(now + 86_400_000)
  await insertGrant(tx, 'a', {
    id,
    client_id: 'c',
    subject: 's',
    granted: '{}',
    token_hash: Buffer.from(id),
    created_at: new Date(createdAt),
    used_at: new Date(createdAt),
    idle_until: later,
    ends_at: later,
    access_ends_at: later,
    expires_at: later,
  })
  return true
}

const left = async (db: Database) =>
  (await db.read(tenant, (tx) => listGrants(tx, 'a', {}, { after: undefined, limit: 999 }))).map(({ id }) => id)

const revocations: [kind: string, revoke: (tx: Tx, at?: number) => Promise<void>][] = [
  ['client', (tx, at = now) => revokeClient(tx, 'a', 'c', at)],
  ['subject', (tx, at = now) => revokeSubject(tx, 'a', 's', at)],
]

describe.each(databases)('a grant on $kind', ({ start }) => {
  test.each(revocations)('is not made once its %s is revoked, except in a later second', async (_kind, revoke) => {
    const store = await start()
    try {
      const db = await store.open(await store.create())
      await addTenant(db)
      const make = (id: string, createdAt: number) => db.commit(tenant, (tx) => makeGrant(tx, id, createdAt))
      expect(await make('before', now)).toBe(true)
      await db.write(tenant, (tx) => revoke(tx))
      expect(await left(db)).toEqual([])
      expect(await make('same', second * 1_000 + 999)).toBe(false)
      expect(await make('later', second * 1_000 + 1_000)).toBe(true)
      expect(await left(db)).toEqual(['later'])
      await db.close()
    } finally {
      await store.stop()
    }
  })
})

describe.each(postgresOnly)('a grant that is made beside a revocation, on $kind', ({ start }) => {
  test.each(revocations)('of its %s does not outlive it, whichever comes first', async (_kind, revoke) => {
    const store = await start()
    try {
      const variables = await store.create()
      const [one, two] = [await store.open(variables), await store.open(variables)]
      await addTenant(one)

      // The grant is stored, but not committed, when the revocation begins.
      const making = one.commit(tenant, async (tx) => {
        const made = await makeGrant(tx, 'first')
        await delay(200)
        return made
      })
      await delay(100)
      await two.write(tenant, (tx) => revoke(tx))
      expect(await making).toBe(true)
      expect(await left(one)).toEqual([])

      // The revocation is stored, but not committed, when the grant is about to be.
      const revoking = two.write(tenant, async (tx) => {
        await revoke(tx, now + 60_000)
        await delay(200)
      })
      await delay(100)
      expect(await one.commit(tenant, (tx) => makeGrant(tx, 'second', now + 60_000))).toBe(false)
      await revoking
      expect(await left(one)).toEqual([])
      await Promise.all([one.close(), two.close()])
    } finally {
      await store.stop()
    }
  })
})
