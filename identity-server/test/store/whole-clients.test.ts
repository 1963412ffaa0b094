import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { insertAuthServer } from '../../src/store/auth-servers.ts'
import { insertClientSecret } from '../../src/store/client-secrets.ts'
import { insertClient } from '../../src/store/clients.ts'
import type { Database } from '../../src/store/database.ts'
import { insertOrganization } from '../../src/store/organizations.ts'
import { insertScope } from '../../src/store/scopes.ts'
import { findWholeClient } from '../../src/store/whole-clients.ts'
import { databases, type Store, type StoreVariables } from '../support/databases.ts'

const expiry = new Date('2030-01-02T03:04:05.678Z')

/** A tenant with a client `c`, told from others of that name by the tenant's. */
async function insertTenant(db: Database, id: string): Promise<void> {
  await db.write({ organization: id, authServer: id }, async (tx) => {
    await insertOrganization(tx, { id, parent_id: null, ancestors: [id], name: id })
    const authServer = { id, organization_id: id, name: id, description: '', audience: id, access_token_lifetime: 60 }
    await insertAuthServer(tx, { ...authServer, signing_algorithm: 'ES256' })
    for (const name of ['write', 'read']) {
      await insertScope(tx, id, { name, description: '', is_default: false, include_in_metadata: false })
    }
    const client = {
      id: 'c',
      name: `Client of ${id}`,
      enabled: true,
      grant_types: ['client_credentials'],
      token_endpoint_auth_methods: ['client_secret_basic'],
      audience: null,
      access_token_lifetime: 60,
      may_introspect: false,
    }
    await insertClient(tx, id, client, ['write', 'read'])
    await insertClient(tx, id, { ...client, id: 'bare' }, [])
    const secret = { client_id: 'c', name: 's', hash: `hash of ${id}`, hash_key: 'k', expires_at: null }
    await insertClientSecret(tx, id, { ...secret, id: '1' })
    const bytes = { ciphertext: Buffer.from([0, 1, 254, 255]), encryption_key: 'e' }
    await insertClientSecret(tx, id, { ...secret, ...bytes, id: '2', expires_at: expiry })
  })
}

describe.each(databases)('a whole client on $kind', ({ start }) => {
  let store: Store
  let variables: StoreVariables
  let db: Database

  beforeAll(async () => {
    store = await start()
    variables = await store.create()
    db = await store.open(variables)
    await insertTenant(db, 'a')
    await insertTenant(db, 'b')
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  test('comes with its scopes and secrets, points in time and bytes included', async () => {
    expect(await findWholeClient(db, 'a', 'c')).toMatchObject({
      id: 'c',
      name: 'Client of a',
      enabled: true,
      grant_types: ['client_credentials'],
      audience: null,
      access_token_lifetime: 60,
      settings: {},
      scopes: ['read', 'write'],
      secrets: [
        { id: '1', hash: 'hash of a', expires_at: null, ciphertext: null, encryption_key: null },
        { id: '2', hash_key: 'k', expires_at: expiry, ciphertext: Buffer.from([0, 1, 254, 255]), encryption_key: 'e' },
      ],
    })
    expect(await findWholeClient(db, 'a', 'bare')).toMatchObject({ scopes: [], secrets: [] })
  })

  test('is the tenant’s own, whoever is asked for in between', async () => {
    const names = ['a', 'b', 'a', 'b'].map(async (tenant) => (await findWholeClient(db, tenant, 'c'))?.name)
    expect(await Promise.all(names)).toEqual(['Client of a', 'Client of b', 'Client of a', 'Client of b'])
  })

  test('is nothing where there is none', async () => {
    for (const [tenant, id] of [
      ['a', 'd'],
      ['c', 'c'],
      ['', 'c'],
      ['a', `c' or true --${randomUUID()}`],
    ] as const) {
      expect(await findWholeClient(db, tenant, id)).toBeUndefined()
    }
  })

  test('the connection is nobody’s afterwards', async () => {
    await Promise.all(Array.from({ length: 20 }, () => findWholeClient(db, 'a', 'c')))
    const other = await db.read({ authServer: 'b' }, (tx) => tx.selectFrom('clients').select('name').execute())
    expect(other.map(({ name }) => name)).toEqual(['Client of b', 'Client of b'])
  })

  test('row-level security holds for what it reads', async () => {
    // The policies refuse everything for a while: a look-up that bypassed them would still find it.
    const policy = (table: string, condition: string) => `alter policy tenant on ${table} using (${condition})`
    const own = `auth_server_id = current_setting('postern.auth_server', true)`
    const owner = async (sql: string) => {
      await db.close()
      await store.query(variables, sql)
      db = await store.open(variables)
    }
    await owner(policy('client_secrets', 'false'))
    expect(await findWholeClient(db, 'a', 'c')).toMatchObject({ scopes: ['read', 'write'], secrets: [] })
    await owner(policy('client_secrets', own))
    await owner(policy('clients', 'false'))
    expect(await findWholeClient(db, 'a', 'c')).toBeUndefined()
    await owner(policy('clients', own))
    expect((await findWholeClient(db, 'a', 'c'))?.secrets).toHaveLength(2)
  })
})
