import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, type Store, snapshot } from '../support/databases.ts'
import { send } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant } from '../support/tenant.ts'

describe.each(databases)('opaque access tokens on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  let tenant: Tenant
  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store)
    tenant = await createTenant(server)
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })
  const opaque = { access_token_format: 'opaque' }

  test('say nothing, and introspection says what a JWT would have said', async () => {
    const client = await tenant.client(opaque)
    const token = await tenant.token(client, { scope: 'read write' })
    expect(token).toMatch(/^pst_at_[A-Za-z0-9_-]{43}$/)
    const jwtClient = await tenant.client()
    const [answer, jwtAnswer] = [
      (await tenant.introspect(client, token)).json,
      (await tenant.introspect(jwtClient, await tenant.token(jwtClient, { scope: 'read write' }))).json,
    ]
    expect(answer).toMatchObject({ active: true, client_id: client.id, sub: client.id, scope: 'read write' })
    expect(Object.keys(answer).sort()).toEqual(Object.keys(jwtAnswer).sort())
  })

  test('are unknown to other auth servers and strangers, once changed, and once expired', async () => {
    const client = await tenant.client({ ...opaque, access_token_lifetime: 60 })
    const token = await tenant.token(client)
    const other = await createTenant(server)
    const stranger = await other.client({ may_introspect: true })
    expect((await other.introspect(stranger, token)).json).toEqual({ active: false })
    expect((await tenant.introspect(await tenant.client(), token)).json).toEqual({ active: false })
    const last = token.endsWith('A') ? 'B' : 'A'
    for (const wrong of [token.slice(0, -1) + last, `${token}A`, token.slice(0, -1), token.toUpperCase()]) {
      expect((await tenant.introspect(client, wrong)).json).toEqual({ active: false })
    }
    expect((await tenant.introspect(client, token)).json.active).toBe(true)
    server.advance(60_000)
    expect((await tenant.introspect(client, token)).json).toEqual({ active: false })
  })

  test('are revoked as JWTs are, and end with their client', async () => {
    const client = await tenant.client(opaque)
    const [first, second] = [await tenant.token(client), await tenant.token(client)]
    expect((await tenant.introspect(client, first)).json.active).toBe(true)
    expect((await tenant.revoke(client, first)).status).toBe(200)
    expect((await tenant.introspect(client, first)).json).toEqual({ active: false })
    expect((await tenant.introspect(client, second)).json.active).toBe(true)
    const reader = await tenant.client({ may_introspect: true })
    await server.admin('PATCH', `/auth-servers/${tenant.id}/clients/${client.id}`, { enabled: false })
    expect((await tenant.introspect(reader, second)).json).toEqual({ active: false })
  })

  test('open the admin API like any other of the system auth server', async () => {
    const path = `/auth-servers/system/clients/${server.firstClient.id}`
    expect((await server.admin('PATCH', path, opaque)).status).toBe(200)
    const token = await server.adminToken()
    expect(token).toMatch(/^pst_at_/)
    const url = `${server.origin}/admin/v1/organizations`
    expect((await send(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
    expect((await server.admin('PATCH', path, { access_token_format: null })).json).not.toHaveProperty(
      'access_token_format',
    )
  })

  test('survive a restart, and are not in the database', async () => {
    const client = await tenant.client(opaque)
    const token = await tenant.token(client)
    const { variables, origin } = server
    await server.close()
    const rows = JSON.stringify(await snapshot(store, variables))
    expect(rows).not.toContain(token)
    expect(rows).not.toContain(token.slice(7))
    server = await startTestServer(store, {
      variables,
      environment: { POSTERN_PORT: new URL(origin).port, POSTERN_PUBLIC_ORIGIN: origin },
    })
    expect((await tenant.introspect(client, token)).json.active).toBe(true)
  })
})

describe.each(databases)('introspection by audience on $kind', ({ start }) => {
  test('is for the audiences that a client stands for, and for no others', async () => {
    const store = await start()
    const server = await startTestServer(store)
    try {
      const tenant = await createTenant(server)
      const client = await tenant.client({ resources: ['urn:a', 'urn:b'] })
      const api = await tenant.client({ introspection_audiences: ['urn:a'] })
      const about = async (resource: string) =>
        (await tenant.introspect(api, await tenant.token(client, { resource }))).json
      expect(await about('urn:a')).toMatchObject({ active: true, aud: 'urn:a' })
      expect(await about('urn:b')).toEqual({ active: false })
    } finally {
      await server.close()
      await store.stop()
    }
  })
})
