/** The audit log: an entry for each change, none for what did not take place, and no secret in any. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { insertAuditEntry, listAuditEntries, type NewAuditEntry } from '../../src/store/audit-log.ts'
import type { Tenant as StoreTenant } from '../../src/store/database.ts'
import { databases, postgresOnly, type Store } from '../support/databases.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { create, createTenant, type Tenant } from '../support/tenant.ts'

describe.each(databases)('the audit log on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  let tenant: Tenant
  const secrets: string[] = []

  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store)
    tenant = await createTenant(server)
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })

  const entries = async (query = ''): Promise<Record<string, unknown>[]> => {
    const { status, json } = await server.admin('GET', `/audit-log?limit=999${query}`)
    expect(status).toBe(200)
    return Array.isArray(json.items) ? json.items : []
  }
  const below = (path: string) => `/auth-servers/${tenant.id}${path}`

  describe('has one entry for each change, with what was there before and after', () => {
    interface Case {
      resource: string
      make: () => Promise<{ collection: string; body: Record<string, unknown>; key?: string }>
      /** A member, and the value that it is changed to. */
      change: [member: string, to: string]
    }
    const cases: Case[] = [
      {
        resource: 'organization',
        make: async () => ({ collection: '/organizations', body: { name: 'A', parent_id: tenant.organization } }),
        change: ['name', 'B'],
      },
      {
        resource: 'auth_server',
        make: async () => {
          const body = { organization_id: tenant.organization, name: 'A', audience: 'urn:a' }
          return { collection: '/auth-servers', body }
        },
        change: ['audience', 'urn:b'],
      },
      {
        resource: 'scope',
        make: async () => ({
          collection: below('/scopes'),
          body: { name: 'a:b/c?d', description: 'A' },
          key: 'name',
        }),
        change: ['description', 'B'],
      },
      {
        resource: 'client',
        make: async () => ({ collection: below('/clients'), body: { name: 'A' } }),
        change: ['name', 'B'],
      },
      {
        resource: 'client_secret',
        make: async () => {
          const client = await create(server, below('/clients'), { name: 'C' })
          return { collection: below(`/clients/${client.id}/secrets`), body: { name: 'A' } }
        },
        change: ['name', 'B'],
      },
    ]

    test.each(cases)('$resource', async ({ resource, make, change: [member, to] }) => {
      const { collection, body, key = 'id' } = await make()
      const created = await create(server, collection, body)
      if (typeof created.secret === 'string') secrets.push(created.secret)
      const target = `${collection}/${encodeURIComponent(String(created[key]))}`
      expect((await server.admin('PATCH', target, { [member]: to })).status).toBe(200)
      expect((await server.admin('DELETE', target)).status).toBe(204)

      const found = await entries(`&target=${encodeURIComponent(target)}`)
      expect(found.map(({ action }) => action)).toEqual(
        ['deleted', 'updated', 'created'].map((a) => `${resource}.${a}`),
      )
      const [deletion, update, creation] = found.map(({ changes }) => changes)
      expect(creation).toMatchObject({ [member]: { to: created[member] } })
      expect(update).toEqual({ [member]: { from: created[member], to } })
      expect(deletion).toMatchObject({ [member]: { from: to } })
      expect(Object.keys(deletion ?? {}).sort()).toEqual(Object.keys(creation ?? {}).sort())
      const authServer = new Map<string, unknown>([
        ['organization', null],
        ['auth_server', created.id],
      ]).get(resource)
      for (const entry of found) {
        expect(entry).toMatchObject({
          auth_server_id: authServer === undefined ? tenant.id : authServer,
          actor: server.firstClient.id,
          actor_token: expect.stringMatching(/^[0-9a-f-]{36}$/),
        })
        expect(Math.abs(Date.parse(String(entry.at)) - server.now())).toBeLessThan(60_000)
      }
    })

    test('signing_key: rotated and revoked', async () => {
      const { json: rotated } = await server.admin('POST', below('/keys/rotate'), { immediately: true })
      const target = below(`/keys/${rotated.kid}`)
      expect((await server.admin('DELETE', target)).status).toBe(204)
      const found = await entries(`&target=${encodeURIComponent(target)}`)
      expect(found.map(({ action }) => action)).toEqual(['signing_key.deleted', 'signing_key.rotated'])
      expect(found[1]?.changes).toMatchObject({ state: { to: 'active' } })
    })
  })

  test('has no entry for what did not take place', async () => {
    const client = await create(server, below('/clients'), { name: 'A' })
    const before = (await entries()).length
    const refused: [method: string, path: string, body: unknown, status: number][] = [
      ['POST', below('/clients'), { name: 'A', id: client.id }, 409],
      ['POST', below('/clients'), { name: 'A', scopes: ['missing'] }, 422],
      ['POST', below('/clients'), { name: '' }, 400],
      ['PATCH', below('/clients/missing'), { name: 'B' }, 404],
      ['DELETE', below('/clients/missing'), undefined, 404],
      ['POST', '/auth-servers/missing/clients', { name: 'A' }, 404],
      ['POST', below('/clients/missing/secrets'), { name: 'A' }, 404],
      ['DELETE', '/auth-servers/system', undefined, 409],
      ['DELETE', `/organizations/${tenant.organization}`, undefined, 409],
      ['POST', '/auth-servers', { organization_id: 'missing', name: 'A', audience: 'a' }, 422],
    ]
    for (const [method, path, body, status] of refused) {
      expect((await server.admin(method, path, body)).status, `${method} ${path}`).toBe(status)
    }
    expect((await entries()).length).toBe(before)
  })

  test('tells the changes of one item in their order, however many come at once', async () => {
    const client = await create(server, below('/clients'), { name: 'name 0' })
    const target = below(`/clients/${client.id}`)
    const names = Array.from({ length: 20 }, (_, index) => `name ${index + 1}`)
    await Promise.all(names.map((name) => server.admin('PATCH', target, { name })))
    const changes = (await entries(`&target=${target}&action=client.updated`)).map((entry) => entry.changes).reverse()
    expect(changes).toHaveLength(20)
    // Each begins with what the one before has left.
    let name: unknown = 'name 0'
    for (const change of changes) {
      expect(change).toMatchObject({ name: { from: name } })
      name = Object(change).name.to
    }
    expect((await server.admin('GET', target)).json.name).toBe(name)
  })

  test('is found by auth server, actor, action and time, page by page', async () => {
    const other = await createTenant(server)
    const all = await entries()
    expect(all.map(({ id }) => String(id))).toEqual(
      all
        .map(({ id }) => String(id))
        .toSorted()
        .reverse(),
    )
    const filtered: [query: string, fits: (entry: Record<string, unknown>) => boolean][] = [
      [`&auth_server=${other.id}`, ({ auth_server_id }) => auth_server_id === other.id],
      [`&actor=${server.firstClient.id}`, () => true],
      ['&actor=somebody', () => false],
      ['&action=scope.created', ({ action }) => action === 'scope.created'],
    ]
    for (const [query, fits] of filtered) expect(await entries(query)).toEqual(all.filter(fits))
    const middle = String(all[3]?.at)
    const since = await entries(`&since=${middle}`)
    const until = await entries(`&until=${middle}`)
    expect([...since, ...until]).toEqual(all)
    expect(since.every(({ at }) => String(at) >= middle)).toBe(true)

    const paged: unknown[] = []
    for (let after = ''; ; ) {
      const { json } = await server.admin('GET', `/audit-log?limit=7${after}`)
      paged.push(...(Array.isArray(json.items) ? json.items : []))
      if (json.next === null) break
      after = `&after=${json.next}`
    }
    expect(paged).toEqual(all)
    for (const query of ['after=nonsense', 'since=yesterday', 'since=0001-01-01T00:00:00Z', 'limit=0', 'unknown=1']) {
      expect((await server.admin('GET', `/audit-log?${query}`)).status, query).toBe(400)
    }
  })

  test('cannot be changed over the admin API', async () => {
    const [entry] = await entries()
    for (const method of ['PATCH', 'DELETE', 'PUT', 'POST']) {
      expect((await server.admin(method, `/audit-log/${entry?.id}`, {})).status).toBe(404)
    }
    expect((await server.admin('POST', '/audit-log', {})).status).toBe(404)
  })

  test('outlives what it tells of, holds no secret, and is seen from the organizations above only', async () => {
    const doomed = await createTenant(server)
    const client = await doomed.client()
    secrets.push(client.secret)
    await server.admin('DELETE', `/auth-servers/${doomed.id}`)
    expect((await server.admin('DELETE', `/organizations/${doomed.organization}`)).status).toBe(204)
    const told = await entries(`&auth_server=${doomed.id}`)
    expect(told.map(({ action }) => action)).toEqual([
      'auth_server.deleted',
      'client_secret.created',
      'client.created',
      'scope.created',
      'scope.created',
      'auth_server.created',
    ])
    const total = (await entries()).length
    await server.close()

    const rows = await store.query(server.variables, 'select audit_log::text as text from audit_log')
    const text = rows.map((row) => String(row.text)).join('\n')
    expect(secrets.length).toBeGreaterThan(1)
    for (const secret of secrets) expect(text.includes(secret)).toBe(false)

    const db = await store.open(server.variables)
    try {
      const seen = (who: StoreTenant) =>
        db.read(who, async (tx) => (await listAuditEntries(tx, {}, { after: undefined, limit: 999 })).length)
      expect(await seen({ organization: 'root' })).toBe(total)
      const own = await seen({ organization: tenant.organization })
      expect(own).toBeGreaterThan(20)
      expect(own).toBeLessThan(total)
      expect(await seen({ organization: doomed.organization })).toBe(8)
      expect(await seen({ organization: 'unknown' })).toBe(0)
      expect(await seen({ authServer: tenant.id })).toBe(0)
      // Nor can anybody write into the log of an organization that is not below.
      const entry: NewAuditEntry = {
        id: '00000000-0000-7000-8000-000000000000',
        at: new Date(),
        ancestors: ['root', tenant.organization],
        auth_server_id: null,
        actor: null,
        actor_token: null,
        action: 'x',
        target: 'x',
        changes: {},
      }
      const forge = db.commit({ organization: doomed.organization }, (tx) => insertAuditEntry(tx, entry))
      await expect(forge).rejects.toMatchObject({ kind: 'unknown_reference' })
    } finally {
      await db.close()
    }
  })
})

describe.each(postgresOnly)('the audit log and the change on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store)
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })
  const sql = (text: string) => store.query(server.variables, text)
  const clients = () => sql("select name from clients where auth_server_id = 'system'")
  const entries = () => sql('select id from audit_log')
  const post = () => server.admin('POST', '/auth-servers/system/clients', { name: 'x' })

  test('where there can be no entry, there is no change', async () => {
    await post()
    const before = await clients()
    await sql("alter table audit_log add constraint full_disk check (action <> 'client.created') not valid")
    expect((await post()).status).toBe(400)
    expect(await clients()).toEqual(before)
    await sql('alter table audit_log drop constraint full_disk')
    expect((await post()).status).toBe(201)
    expect((await clients()).length).toBe(before.length + 1)
  })

  test.each(['change', 'entry'])('where the connection is cut after the %s, there is neither', async (moment) => {
    const before = [await clients(), await entries()]
    const table = moment === 'change' ? 'clients' : 'audit_log'
    // The transaction waits after its insert until it is cut: then nothing has been committed, whatever was inserted.
    await sql(`create function hold() returns trigger language plpgsql as $$
      begin perform pg_sleep(4); return null; end $$;
      create trigger hold after insert on ${table} for each row execute function hold()`)
    const answer = post()
    const held = "select pid from pg_stat_activity where wait_event = 'PgSleep'"
    while ((await sql(held)).length === 0) await delay(10)
    await sql(`select pg_terminate_backend(pid) from (${held}) as held`)
    expect((await answer).status).toBe(503)
    await sql(`drop trigger hold on ${table}; drop function hold()`)
    expect([await clients(), await entries()]).toEqual(before)
    expect((await post()).status).toBe(201)
  })
})
