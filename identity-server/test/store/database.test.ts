import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { insertAttributeSource } from '../../src/store/attribute-sources.ts'
import { findAuthServer, insertAuthServer } from '../../src/store/auth-servers.ts'
import { insertClaim } from '../../src/store/claims.ts'
import { insertClientRegistration } from '../../src/store/client-registrations.ts'
import { insertClientSecret } from '../../src/store/client-secrets.ts'
import { insertClient } from '../../src/store/clients.ts'
import type { Database, Tenant, Tx } from '../../src/store/database.ts'
import { insertGrant } from '../../src/store/grants.ts'
import { insertInitialAccessToken } from '../../src/store/initial-access-tokens.ts'
import { migrations } from '../../src/store/migrations/list.ts'
import { insertOpaqueToken } from '../../src/store/opaque-tokens.ts'
import {
  deleteOrganization,
  insertOrganization,
  listOrganizationPath,
  listOrganizations,
} from '../../src/store/organizations.ts'
import { nextSequence } from '../../src/store/revocation-streams.ts'
import { insertRevocation } from '../../src/store/revocations.ts'
import type { Tables } from '../../src/store/schema.ts'
import { insertScope, listScopes } from '../../src/store/scopes.ts'
import { insertSigningKey } from '../../src/store/signing-keys.ts'
import { insertTrustedIssuer } from '../../src/store/trusted-issuers.ts'
import { useIdentifier } from '../../src/store/used-identifiers.ts'
import { databases, type Store, type StoreVariables, snapshot } from '../support/databases.ts'

const path: Record<string, string[]> = { root: ['root'], a: ['root', 'a'], b: ['root', 'b'], a1: ['root', 'a', 'a1'] }
const tables = [
  'organizations',
  'auth_servers',
  'scopes',
  'clients',
  'client_scopes',
  'client_secrets',
  'signing_keys',
  'revocation_streams',
  'revocations',
  'opaque_tokens',
  'trusted_issuers',
  'grants',
  'used_identifiers',
  'client_secret_uses',
  'claims',
  'attribute_sources',
  'client_registrations',
  'initial_access_tokens',
] as const satisfies (keyof Tables)[]

async function insertTenant(db: Database, id: string): Promise<void> {
  await db.write({ organization: id, authServer: id }, async (tx) => {
    const authServer = { id, organization_id: id, name: id, description: '', audience: id, access_token_lifetime: 60 }
    await insertAuthServer(tx, { ...authServer, signing_algorithm: 'ES256' })
    await insertScope(tx, id, { name: 's', description: '', is_default: false, include_in_metadata: false })
    await insertClient(tx, id, clientRow('c'), ['s'])
    await insertClientSecret(tx, id, secretRow(id))
    await insertSigningKey(tx, id, keyRow(id))
    await insertOpaqueToken(tx, id, tokenRow(id))
    await insertClaim(tx, id, claimRow(id))
    await insertAttributeSource(tx, id, sourceRow(id))
    await insertTrustedIssuer(tx, id, trustRow('t'))
    await sql`insert into client_secret_uses values (${id}, ${id}, now())`.execute(tx)
    await insertRevocation(tx, id, revocationRow(`${id}-jti`))
    await insertGrant(tx, id, grantRow(id))
    await insertClientRegistration(tx, id, registrationRow(id))
    await insertInitialAccessToken(tx, id, initialTokenRow(id))
  })
  await useIdentifier(db, id, Buffer.alloc(32), new Date('2999-01-01'), new Date())
}

const clientRow = (id: string) => ({
  id,
  name: id,
  enabled: true,
  grant_types: [],
  token_endpoint_auth_methods: [],
  audience: null,
  access_token_lifetime: null,
  may_introspect: false,
})
const secretRow = (id: string) => ({ id, client_id: 'c', name: 'n', hash: 'h', hash_key: 'k', expires_at: null })
const trustRow = (id: string) => ({ id, issuer: id, name: id, enabled: true, settings: '{}' })
const tokenRow = (id: string) => ({ hash: Buffer.from(id), claims: {}, expiresAt: new Date('2999-01-01') })
const revocationRow = (value: string) => ({ kind: 'token' as const, value, expiresAt: 4e9, revokedAt: 1 })
const grantRow = (id: string) => ({
  id,
  client_id: 'c',
  subject: 's',
  granted: '{}',
  token_hash: Buffer.from(id),
  created_at: new Date(),
  used_at: new Date(),
  idle_until: new Date('2999-01-01'),
  ends_at: new Date('2999-01-01'),
  access_ends_at: new Date('2999-01-01'),
  expires_at: new Date('2999-01-01'),
})
const claimRow = (name: string) => ({
  name,
  description: '',
  value: '1',
  condition: null,
  placements: ['access_token' as const],
  optional: false,
})
const sourceRow = (name: string) => ({
  name,
  kind: 'static' as const,
  configuration: '{"data":{}}',
  on_failure: 'fail' as const,
})
const registrationRow = (id: string) => ({
  client_id: 'c',
  token_hash: Buffer.from(id),
  metadata: '{}',
  issued_at: new Date(),
})
const initialTokenRow = (id: string) => ({
  id,
  name: id,
  hash: Buffer.from(id),
  uses_left: 1,
  expires_at: new Date('2999-01-01'),
})
const keyRow = (kid: string) => ({
  kid,
  algorithm: 'ES256',
  state: 'active' as const,
  public_key: '{}',
  private_key: Buffer.from('x'),
  encryption_key: 'k',
  activates_at: new Date(),
})

describe.each(databases)('the store on $kind', ({ start }) => {
  let store: Store
  let variables: StoreVariables
  let db: Database

  beforeAll(async () => {
    store = await start()
    variables = await store.create()
    db = await store.open(variables)
    for (const [id, ancestors] of Object.entries(path)) {
      const row = { id, parent_id: ancestors.at(-2) ?? null, ancestors, name: id }
      await db.write({ organization: id }, (tx) => insertOrganization(tx, row))
    }
    for (const id of ['a', 'b', 'a1']) await insertTenant(db, id)
  })
  afterAll(async () => {
    await db?.close()
    await store?.stop()
  })

  const count = async (tx: Tx, table: keyof Tables) =>
    Number((await sql<{ n: string }>`select count(*) as n from ${sql.table(table)}`.execute(tx)).rows[0]?.n)

  describe('row-level security, for queries that forget the tenant', () => {
    // Each table has, below auth server b, exactly one row; a has one of its own.
    const below = tables.filter((table) => table !== 'organizations' && table !== 'auth_servers')

    test.each(tables)('%s: nothing without a tenant, nothing for an unknown one', async (table) => {
      const nobody: Tenant[] = [{ organization: '' }, { authServer: '' }, { organization: 'x', authServer: 'x' }]
      for (const tenant of nobody) expect(await db.read(tenant, (tx) => count(tx, table))).toBe(0)
    })

    test.each(below)('%s: an auth server reads, changes and deletes its own rows only', async (table) => {
      expect(await db.read({ authServer: 'a' }, (tx) => count(tx, table))).toBe(1)
      // An organization alone does not open what is below its auth servers.
      expect(await db.read({ organization: 'root' }, (tx) => count(tx, table))).toBe(0)
      await expectUntouched('b', table, async (tx) => {
        await sql`update ${sql.table(table)} set auth_server_id = auth_server_id`.execute(tx)
        await sql`update ${sql.table(table)} set auth_server_id = auth_server_id where auth_server_id = 'b'`.execute(tx)
        await sql`delete from ${sql.table(table)}`.execute(tx)
      })
    })

    test.each(below)('%s: an auth server can neither insert into another nor move a row there', async (table) => {
      const inserts: Record<string, (tx: Tx) => Promise<unknown>> = {
        scopes: (tx) =>
          insertScope(tx, 'b', { name: 't', description: '', is_default: true, include_in_metadata: true }),
        clients: (tx) => insertClient(tx, 'b', clientRow('d'), []),
        client_scopes: (tx) => sql`insert into client_scopes values ('b', 'c', 's')`.execute(tx),
        client_secrets: (tx) => insertClientSecret(tx, 'b', secretRow('new')),
        signing_keys: (tx) => insertSigningKey(tx, 'b', keyRow('new')),
        client_secret_uses: (tx) => sql`insert into client_secret_uses values ('b', 'b', now())`.execute(tx),
        trusted_issuers: (tx) => insertTrustedIssuer(tx, 'b', trustRow('new')),
        opaque_tokens: (tx) => insertOpaqueToken(tx, 'b', tokenRow('new')),
        grants: (tx) => insertGrant(tx, 'b', grantRow('new')),
        client_registrations: (tx) => insertClientRegistration(tx, 'b', registrationRow('new')),
        initial_access_tokens: (tx) => insertInitialAccessToken(tx, 'b', initialTokenRow('new')),
        used_identifiers: (tx) => sql`insert into used_identifiers values ('b', sha256('new'), now())`.execute(tx),
        revocation_streams: (tx) => nextSequence(tx, 'b'),
        claims: (tx) => insertClaim(tx, 'b', claimRow('new')),
        attribute_sources: (tx) => insertAttributeSource(tx, 'b', sourceRow('new')),
        revocations: (tx) =>
          sql`insert into revocations values ('b', 'token', 'new', null, 9, now(), now())`.execute(tx),
      }
      const insert = inserts[table]
      if (!insert) throw new Error(`no insert for ${table}`)
      await expect(db.write({ authServer: 'a' }, insert)).rejects.toMatchObject({ kind: 'unknown_reference' })
      const move = (tx: Tx) => sql`update ${sql.table(table)} set auth_server_id = 'b'`.execute(tx)
      await expect(db.write({ authServer: 'a' }, move)).rejects.toMatchObject({ kind: 'unknown_reference' })
    })

    test('organizations: a parent sees its subtree, a child neither parent nor sibling', async () => {
      const seen = async (organization: string) =>
        (await db.read({ organization }, (tx) => listOrganizations(tx, { after: undefined, limit: 9 }))).map(
          ({ id }) => id,
        )
      expect(await seen('root')).toEqual(['a', 'a1', 'b', 'root'])
      expect(await seen('a')).toEqual(['a', 'a1'])
      expect(await seen('a1')).toEqual(['a1'])
      expect(await seen('b')).toEqual(['b'])
    })

    test('organizations: maintenance reads the names on the way from the root, and nothing else of them', async () => {
      expect(await db.read('maintenance', (tx) => listOrganizationPath(tx, 'a1'))).toEqual([
        { id: 'root', name: 'root' },
        { id: 'a', name: 'a' },
        { id: 'a1', name: 'a1' },
      ])
      expect(await db.read({ authServer: 'a1' }, (tx) => listOrganizationPath(tx, 'a1'))).toEqual([])
      for (const work of [
        (tx: Tx) => tx.selectFrom('organizations').selectAll().execute(),
        (tx: Tx) => tx.updateTable('organizations').set({ name: 'x' }).execute(),
        (tx: Tx) => tx.deleteFrom('organizations').execute(),
      ]) {
        await expect(db.commit<unknown>('maintenance', work)).rejects.toMatchObject({ kind: 'unknown_reference' })
      }
    })

    test('auth servers: visible from the organizations above, not from beside', async () => {
      const seen = async (tenant: Tenant) =>
        (await db.read(tenant, (tx) => tx.selectFrom('auth_servers').select('id').orderBy('id').execute())).map(
          ({ id }) => id,
        )
      expect(await seen({ organization: 'root' })).toEqual(['a', 'a1', 'b'])
      expect(await seen({ organization: 'a' })).toEqual(['a', 'a1'])
      expect(await seen({ organization: 'b' })).toEqual(['b'])
      expect(await seen({ authServer: 'a1' })).toEqual(['a1'])
    })

    test.each(['organizations', 'auth_servers'] as const)('%s: changed and deleted only within the subtree', (table) =>
      expectUntouched('b', table, async (tx) => {
        await sql`update ${sql.table(table)} set name = 'changed'`.execute(tx)
        await sql`update ${sql.table(table)} set name = 'changed' where id = 'b'`.execute(tx)
        await sql`delete from ${sql.table(table)} where id = 'b'`.execute(tx)
      }),
    )

    test('an auth server cannot be put below an organization that is not seen, even under a name of one’s own', async () => {
      const row = { organization_id: 'b', name: 'x', description: '', audience: 'x', access_token_lifetime: 60 }
      const insert = (tx: Tx) => insertAuthServer(tx, { ...row, id: 'mine', signing_algorithm: 'ES256' })
      const refused = { kind: 'unknown_reference' }
      await expect(db.write({ organization: 'a', authServer: 'mine' }, insert)).rejects.toMatchObject(refused)
      await expect(db.write({ authServer: 'mine' }, insert)).rejects.toMatchObject(refused)
      const move = (tx: Tx) => tx.updateTable('auth_servers').set({ organization_id: 'b' }).execute()
      await expect(db.write({ organization: 'a' }, move)).rejects.toMatchObject(refused)
    })

    /** Runs the work as tenant a, undoes it, and compares what b sees within the same transaction's effects. */
    async function expectUntouched(other: string, table: keyof Tables, work: (tx: Tx) => Promise<void>) {
      const undo = new Error('undo')
      const asText = (tx: Tx) => sql<{ row: string }>`select t::text as row from ${sql.table(table)} t`.execute(tx)
      const before = (await db.read({ organization: other, authServer: other }, asText)).rows
      expect(before).not.toEqual([])
      const attempt = db.write({ organization: 'a', authServer: 'a' }, async (tx) => {
        await work(tx)
        // The same transaction, now as the other tenant, sees whether a row of it was touched.
        await sql`select set_config('postern.organization', ${other}, true),
          set_config('postern.auth_server', ${other}, true)`.execute(tx)
        expect((await asText(tx)).rows).toEqual(before)
        throw undo
      })
      await expect(attempt).rejects.toBe(undo)
    }

    test('holds while transactions of different tenants run at once', async () => {
      const ids = ['a', 'b', 'a1']
      await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const id = ids[index % 3] ?? ''
          const rows = await db.read({ authServer: id }, async (tx) => {
            await sql`select pg_sleep(0.001)`.execute(tx)
            return tx.selectFrom('clients').select('auth_server_id').execute()
          })
          expect(rows).toEqual([{ auth_server_id: id }])
        }),
      )
    })
  })

  describe('errors', () => {
    const scope = (name: string) => ({ name, description: '', is_default: false, include_in_metadata: false })
    const cases: [kind: string, tenant: Tenant, work: (tx: Tx) => Promise<unknown>][] = [
      ['conflict', { authServer: 'a' }, (tx) => insertScope(tx, 'a', scope('s'))],
      ['unknown_reference', { authServer: 'a' }, (tx) => insertClient(tx, 'a', clientRow('e'), ['missing'])],
      ['in_use', { organization: 'root' }, (tx) => deleteOrganization(tx, 'a')],
      ['invalid_value', { authServer: 'a' }, (tx) => insertScope(tx, 'a', scope(''))],
      ['invalid_value', { authServer: 'a' }, (tx) => insertScope(tx, 'a', scope('a\u0000b'))],
      ['invalid_value', { authServer: 'a' }, (tx) => sql`select '0000-01-01'::timestamptz`.execute(tx)],
    ]
    test.each(cases)('%s', async (kind, tenant, work) => {
      const before = await db.read(tenant, (tx) => count(tx, 'scopes'))
      await expect(db.write(tenant, work)).rejects.toMatchObject({ name: 'StoreError', kind })
      // What failed left nothing, and the connection serves on.
      expect(await db.read(tenant, (tx) => count(tx, 'scopes'))).toBe(before)
    })

    test('of the caller come through unchanged, and undo the transaction', async () => {
      const error = new Error('mine')
      const work = async (tx: Tx) => {
        await insertScope(tx, 'a', scope('undone'))
        throw error
      }
      await expect(db.write({ authServer: 'a' }, work)).rejects.toBe(error)
      expect(await db.read({ authServer: 'a' }, (tx) => count(tx, 'scopes'))).toBe(1)
    })
  })

  test('changes nothing in a transaction that only reads', async () => {
    for (const tenant of [{ organization: 'a', authServer: 'a' }, 'maintenance'] as const) {
      for (const statement of ["update clients set name = 'x'", 'delete from revocations']) {
        await expect(db.read(tenant, (tx) => sql.raw(statement).execute(tx))).rejects.toThrow()
      }
    }
    expect(await db.read({ authServer: 'a' }, (tx) => count(tx, 'clients'))).toBe(1)
  })

  test('pages by key, in the order of code points', async () => {
    const names = ['B', 'a', 'b', 'ä', 'Z-1', 'z']
    await db.write({ authServer: 'b' }, async (tx) => {
      for (const name of names) {
        await insertScope(tx, 'b', { name, description: '', is_default: false, include_in_metadata: false })
      }
    })
    const seen: string[] = []
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await db.read({ authServer: 'b' }, (tx) => listScopes(tx, 'b', { after, limit: 3 }))
      expect(page.length).toBeLessThanOrEqual(3)
      if (page.length === 0) break
      seen.push(...page.map(({ name }) => name))
    }
    expect(seen).toEqual(['B', 'Z-1', 'a', 'b', 's', 'z', 'ä'])
  })

  test('tells each committed change, and has told it when the write returns', async () => {
    const heard: unknown[] = []
    db.changes.subscribe((change) => heard.push(change))
    await db.write({ authServer: 'a' }, (tx) => tx.updateTable('clients').set({ name: 'changed' }).execute())
    expect(heard).toEqual([{ table: 'clients', authServer: 'a', client: 'c' }])
    const undone = db.write({ authServer: 'a' }, async (tx) => {
      await tx.updateTable('clients').set({ name: 'never' }).execute()
      throw new Error('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    expect(heard).toHaveLength(1)
  })

  test('has told of a change also where the transaction took longer than a second', async () => {
    const heard: unknown[] = []
    db.changes.subscribe((change) => heard.push(change))
    await db.write({ authServer: 'a' }, async (tx) => {
      await sql`select pg_sleep(1.2)`.execute(tx)
      await tx.updateTable('clients').set({ name: 'late' }).execute()
    })
    expect(heard).toEqual([{ table: 'clients', authServer: 'a', client: 'c' }])
  })

  test('opens again with everything that it held, its migrations applied once', async () => {
    await db.close()
    const before = await snapshot(store, variables)
    db = await store.open(variables)
    expect(await db.read({ authServer: 'a' }, (tx) => findAuthServer(tx, 'a'))).toMatchObject({ id: 'a' })
    await db.close()
    expect(await snapshot(store, variables)).toEqual(before)
    const applied = await store.query(variables, 'select name from postern_migrations order by name')
    expect(applied.map(({ name }) => name)).toEqual(Object.keys(migrations))
    // Whatever table there will be: none without row-level security.
    const open = await store.query(
      variables,
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and relname not like 'postern_migrations%' and not (relrowsecurity and relforcerowsecurity)`,
    )
    expect(open).toEqual([])
    db = await store.open(variables)
  })
})
