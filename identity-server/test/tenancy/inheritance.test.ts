import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import type { TestServer } from '../support/server.ts'
import { create, createTenant, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('limits of organizations on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const organization = async (members: object) =>
    String((await create(server, '/organizations', { name: 'O', ...members })).id)
  const effective = async (path: string) => (await server.admin('GET', path)).json.effective_limits
  const authServer = async (organization_id: string, members: object = {}) =>
    String((await create(server, '/auth-servers', { organization_id, name: 'A', audience: 'urn:a', ...members })).id)

  test('bind what is there and what comes, however deep, and can only be tightened below', async () => {
    const top = await organization({ limits: { access_token_lifetime: 100 } })
    const middle = await organization({ parent_id: top, limits: { access_token_lifetime: 500 } })
    const bottom = await organization({ parent_id: middle })
    const before = await authServer(bottom)
    expect(await effective(`/organizations/${bottom}`)).toEqual({ access_token_lifetime: 100 })
    expect(await effective(`/auth-servers/${before}`)).toEqual({ access_token_lifetime: 100 })

    await server.admin('PATCH', `/organizations/${top}`, {
      limits: { access_token_lifetime: 50, token_endpoint_auth_methods: ['private_key_jwt', 'client_secret_post'] },
    })
    await server.admin('PATCH', `/organizations/${middle}`, {
      limits: { access_token_lifetime: 30, token_endpoint_auth_methods: ['client_secret_post', 'client_secret_basic'] },
    })
    const expected = { access_token_lifetime: 30, token_endpoint_auth_methods: ['client_secret_post'] }
    expect(await effective(`/auth-servers/${before}`)).toEqual(expected)
    expect(await effective(`/auth-servers/${await authServer(bottom)}`)).toEqual(expected)
    expect(await effective(`/organizations/${top}`)).toMatchObject({ access_token_lifetime: 50 })
    await server.admin('PATCH', `/auth-servers/${before}`, { limits: { access_token_lifetime: 86_400 } })
    expect(await effective(`/auth-servers/${before}`)).toEqual(expected)

    await server.admin('PATCH', `/organizations/${top}`, { limits: {} })
    await server.admin('PATCH', `/organizations/${middle}`, { limits: {} })
    expect(await effective(`/auth-servers/${before}`)).toEqual({ access_token_lifetime: 86_400 })
  })

  test('take effect at the next token', async () => {
    const client = await tenant.client()
    expect((await tenant.tokenAnswer(client)).json.expires_in).toBe(300)
    const path = `/organizations/${tenant.organization}`
    await server.admin('PATCH', path, { limits: { access_token_lifetime: 20 } })
    expect((await tenant.tokenAnswer(client)).json.expires_in).toBe(20)
    await server.admin('PATCH', path, { limits: { token_endpoint_auth_methods: ['client_secret_post'] } })
    expect((await tenant.tokenAnswer(client)).json.error).toBe('invalid_client')
    const metadata = (await (await fetch(`${tenant.issuer}/.well-known/openid-configuration`)).json()) as object
    expect(metadata).toMatchObject({ token_endpoint_auth_methods_supported: ['client_secret_post'] })
    await server.admin('PATCH', path, { limits: { sender_constraint: 'dpop' } })
    expect((await tenant.tokenAnswer(client)).status).toBe(400)
    await server.admin('PATCH', path, { limits: {} })
    expect((await tenant.tokenAnswer(client)).json.expires_in).toBe(300)
  })

  test('do not leave an auth server with an algorithm that they exclude', async () => {
    const top = await organization({})
    const below = await organization({ parent_id: top })
    const id = await authServer(below)
    const refused = await server.admin('PATCH', `/organizations/${top}`, { limits: { signing_algorithms: ['EdDSA'] } })
    expect([refused.status, refused.json.code]).toEqual([400, 'invalid_request'])
    expect(await effective(`/auth-servers/${id}`)).toEqual({})
    expect(await effective(`/organizations/${top}`)).toEqual({})
    const alone = await server.admin('PATCH', `/auth-servers/${id}`, { limits: { signing_algorithms: ['EdDSA'] } })
    expect(alone.status).toBe(400)
    const allowed = { limits: { signing_algorithms: ['ES256', 'EdDSA'] } }
    expect((await server.admin('PATCH', `/organizations/${top}`, allowed)).status).toBe(200)
    const body = { organization_id: below, name: 'R', audience: 'urn:r', signing_algorithm: 'RS256' }
    expect((await server.admin('POST', '/auth-servers', body)).status).toBe(400)
  })

  test('do not reach the system auth server, whose clients could not take them back', async () => {
    const limits = { token_endpoint_auth_methods: ['private_key_jwt'], sender_constraint: 'mtls' }
    expect((await server.admin('PATCH', '/organizations/root', { limits })).status).toBe(200)
    expect(await effective('/auth-servers/system')).toEqual({})
    expect(await effective(`/auth-servers/${tenant.id}`)).toEqual(limits)
    await server.adminToken()
    expect((await server.admin('PATCH', '/organizations/root', { limits: {} })).status).toBe(200)
    expect(await effective(`/auth-servers/${(await createTenant(server)).id}`)).toEqual({})
  })

  test('of two changes at once are never mixed', async () => {
    const top = await organization({})
    const below = await organization({ parent_id: top })
    await Promise.all([
      ...[10, 20, 30].map((n) =>
        server.admin('PATCH', `/organizations/${top}`, { limits: { access_token_lifetime: n } }),
      ),
      ...[1, 2, 3].map(() => authServer(below)),
    ])
    const limits = await effective(`/organizations/${top}`)
    const { items } = (await server.admin('GET', '/auth-servers?limit=999')).json
    const created = Array.isArray(items) ? items.filter(({ organization_id }) => organization_id === below) : []
    expect(created.map(({ effective_limits }) => effective_limits)).toEqual([limits, limits, limits])
  })
})
