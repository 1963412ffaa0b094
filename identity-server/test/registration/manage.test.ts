import { describe, expect, test } from 'vitest'
import { newClientKey } from '../support/assertions.ts'
import { databases } from '../support/databases.ts'
import { createForeignIssuer } from '../support/foreign-issuer.ts'
import { postForm, send } from '../support/http.ts'
import { allowRegistration, manage, metadataOf, type Registered, register } from '../support/registering.ts'
import type { TestServer } from '../support/server.ts'
import { create, createTenant, newSecret, type Tenant, useTenant } from '../support/tenant.ts'

const policy = { mode: 'open', scopes: ['read'], default_scopes: ['read'], max_clients: 1_000 }
const invalid = [400, 'invalid_client_metadata']

describe.each(databases)('management of registered clients (RFC 7592) on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, async (bench) => {
    ;({ server, tenant } = bench)
    await allowRegistration(server, tenant, policy)
  })

  const update = (client: Registered, change: object) => manage('PUT', client, { client_id: client.id, ...change })
  const refusalOf = async (client: Registered, change: object) => {
    const { status, json } = await update(client, change)
    return [status, json.error]
  }
  const byAdmin = async ({ id }: Registered, change: object) => {
    const { status } = await server.admin('PATCH', `/auth-servers/${tenant.id}/clients/${id}`, change)
    expect(status).toBe(200)
  }
  const seenByAdmin = async ({ id }: Registered) =>
    (await server.admin('GET', `/auth-servers/${tenant.id}/clients/${id}`)).json

  test('a client reads what it registered, but not its secret again', async () => {
    const client = await register(tenant, { client_name: 'Robot' })
    const { status, json, headers } = await manage('GET', client)
    const { client_secret, ...rest } = client.answer.json
    expect([status, json]).toEqual([200, rest])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('an update replaces everything, and says what is in force afterwards', async () => {
    const client = await register(tenant, { client_name: 'Robot', contacts: ['a@example.test'], software_id: 'x' })
    const { status, json } = await update(client, { client_secret: client.secret, client_name: 'Machine', scope: '' })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      client_id: client.id,
      client_name: 'Machine',
      registration_access_token: client.token,
    })
    for (const name of ['contacts', 'software_id', 'scope', 'client_secret']) expect(json).not.toHaveProperty(name)
    expect((await manage('GET', client)).json).toEqual(json)
  })

  test('what it reads can be sent back as it is', async () => {
    const { publicJwk } = await newClientKey('ES256')
    const client = await register(tenant, {
      client_name: 'Robot',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [publicJwk] },
      dpop_bound_access_tokens: true,
    })
    const read = await manage('GET', client)
    const { status, json } = await manage('PUT', client, metadataOf(read))
    expect([status, json]).toEqual([200, read.json])
  })

  test('an update names the client, and its secret only as it was issued', async () => {
    const client = await register(tenant)
    for (const body of [{}, { client_id: 'other' }, { client_id: client.id, client_secret: 'chosen-by-the-client' }]) {
      const { status, json } = await manage('PUT', client, body)
      expect([status, json.error]).toEqual(invalid)
    }
    for (const name of ['registration_access_token', 'registration_client_uri', 'client_id_issued_at']) {
      expect(await refusalOf(client, { [name]: 'x' })).toEqual(invalid)
    }
  })

  test('deleting ends the client, its tokens and its registration access token', async () => {
    const client = await register(tenant)
    const reader = await tenant.client({ may_introspect: true })
    const token = await tenant.token(client)
    expect((await tenant.introspect(reader, token)).json).toMatchObject({ active: true })
    const { status, text } = await manage('DELETE', client)
    expect([status, text]).toEqual([204, ''])
    expect((await tenant.introspect(reader, token)).json).toEqual({ active: false })
    expect((await tenant.tokenAnswer(client)).status).toBe(401)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { client_id: client.id } : undefined
      const answer = await manage(method, client, body)
      expect([method, answer.status, answer.json.error]).toEqual([method, 401, 'invalid_token'])
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/)
    }
  })

  test('deleting ends its grants: no refresh token outlives it', async () => {
    const other = await createTenant(server)
    const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const grant_types = [grant_type, 'refresh_token']
    await allowRegistration(server, other, { ...policy, grant_types })
    const partner = await createForeignIssuer(server, other)
    const client = await register(other, { grant_types })
    const asked = { grant_type, assertion: await partner.sign() }
    const { json } = await postForm(`${other.issuer}/token`, asked, client)
    const grants = async () => {
      const { json } = await server.admin('GET', `/auth-servers/${other.id}/grants`)
      return json.items
    }
    expect(json).toHaveProperty('refresh_token')
    expect(await grants()).toHaveLength(1)
    expect((await manage('DELETE', client)).status).toBe(204)
    expect(await grants()).toEqual([])
    const reader = await other.client({ may_introspect: true })
    for (const token of [json.access_token, json.refresh_token]) {
      expect((await other.introspect(reader, String(token))).json).toEqual({ active: false })
    }
    // Nor does it come back with a client of the same id.
    await create(server, `/auth-servers/${other.id}/clients`, { id: client.id, name: 'Again', grant_types })
    const again = await newSecret(server, other.id, client.id)
    const refresh = { grant_type: 'refresh_token', refresh_token: String(json.refresh_token) }
    expect((await postForm(`${other.issuer}/token`, refresh, again)).json.error).toBe('invalid_grant')
    expect((await other.introspect(reader, String(json.access_token))).json).toEqual({ active: false })
  })

  test('a secret that expires is followed by another in time, and both are good meanwhile', async () => {
    const other = await createTenant(server)
    await allowRegistration(server, other, { ...policy, secret_lifetime: 3_600 })
    const client = await register(other)
    expect((await update(client, {})).json).not.toHaveProperty('client_secret')
    server.advance(1_801_000)
    const { json } = await update(client, { client_secret: client.secret })
    const next = { id: client.id, secret: String(json.client_secret) }
    expect((await other.tokenAnswer(client)).status).toBe(200)
    expect((await other.tokenAnswer(next)).status).toBe(200)
    server.advance(1_800_000)
    expect((await other.tokenAnswer(client)).status).toBe(401)
    expect((await other.tokenAnswer(next)).status).toBe(200)
  })

  test('a client that changes its method gets the secret that it needs, and keeps none that it does not', async () => {
    const { publicJwk } = await newClientKey('ES256')
    const client = await register(tenant)
    const keys = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicJwk] } }
    expect((await update(client, keys)).json).not.toHaveProperty('client_secret_expires_at')
    expect((await tenant.tokenAnswer(client)).status).toBe(401)
    const back = await update(client, { token_endpoint_auth_method: 'client_secret_basic', jwks: null })
    expect(back.json).toMatchObject({ client_secret: expect.stringMatching(/^pst_/) })
    expect((await tenant.tokenAnswer(client)).status).toBe(401)
    expect((await tenant.tokenAnswer({ id: client.id, secret: String(back.json.client_secret) })).status).toBe(200)
    const signing = await update(client, { token_endpoint_auth_method: 'client_secret_jwt' })
    expect(signing.json).toMatchObject({ client_secret: expect.stringMatching(/^pst_/) })
  })

  test('a client that an administrator has disabled does not manage itself', async () => {
    const client = await register(tenant)
    await byAdmin(client, { enabled: false })
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { client_id: client.id } : undefined
      expect((await manage(method, client, body)).status).toBe(403)
    }
    expect(await seenByAdmin(client)).toMatchObject({ enabled: false })
  })

  test('where registration is off, so is management', async () => {
    const other = await createTenant(server)
    await allowRegistration(server, other, policy)
    const client = await register(other)
    await allowRegistration(server, other, { mode: 'off' })
    expect((await manage('GET', client)).status).toBe(404)
  })

  test('registration, update and deletion stand in the audit log, with who did it, and no secret', async () => {
    const other = await createTenant(server)
    await allowRegistration(server, other, { ...policy, mode: 'initial_access_token' })
    const path = `/auth-servers/${other.id}/initial-access-tokens`
    const initial = await create(server, path, { name: 'test' })
    const client = await register(other, { client_name: 'Robot' }, String(initial.token))
    expect((await manage('PUT', client, { client_id: client.id, client_name: 'Machine' })).status).toBe(200)
    expect((await manage('PUT', client, { client_id: client.id, scope: 'admin' })).status).toBe(400)
    expect((await manage('DELETE', client)).status).toBe(204)
    expect((await manage('DELETE', client)).status).toBe(401)
    const target = `/auth-servers/${other.id}/clients/${client.id}`
    const { json, text } = await server.admin('GET', `/audit-log?target=${encodeURIComponent(target)}`)
    const usual = { auth_server_id: other.id, actor_token: null, target }
    expect(json.items).toEqual([
      expect.objectContaining({ ...usual, actor: client.id, action: 'client.deleted' }),
      expect.objectContaining({
        ...usual,
        actor: client.id,
        action: 'client.updated',
        changes: { name: { from: 'Robot', to: 'Machine' } },
      }),
      expect.objectContaining({
        ...usual,
        actor: `urn:postern:initial-access-token:${initial.id}`,
        action: 'client.created',
        changes: expect.objectContaining({ name: { to: 'Robot' }, scopes: { to: ['read'] } }),
      }),
    ])
    for (const secret of [client.secret, client.token, String(initial.token)]) expect(text).not.toContain(secret)
  })

  describe('attacks', () => {
    const cases: [member: string, registered: () => Promise<object>][] = [
      ['dpop_bound_access_tokens', async () => ({ dpop_bound_access_tokens: true })],
      [
        'tls_client_certificate_bound_access_tokens',
        async () => ({ tls_client_certificate_bound_access_tokens: true }),
      ],
      ['token_endpoint_auth_signing_alg', async () => ({ token_endpoint_auth_signing_alg: 'ES256' })],
      ['jwks', async () => ({ jwks: { keys: [(await newClientKey('ES256')).publicJwk] } })],
      ['tls_client_auth_san_dns', async () => ({ tls_client_auth_san_dns: 'robot.example.test' })],
      ['jwks_uri', async () => ({ jwks_uri: 'https://keys.example.test/jwks' })],
    ]
    test.each(cases)(
      'an update that leaves out %s is refused (security setting dropped)',
      async (member, registered) => {
        const client = await register(tenant, await registered())
        const answer = await update(client, { client_name: 'x' })
        expect([answer.status, answer.json.error]).toEqual(invalid)
        expect(answer.json.error_description).toContain(member)
        expect((await manage('GET', client)).json).toHaveProperty(member)
        expect((await update(client, { [member]: null })).status).toBe(200)
        expect((await manage('GET', client)).json).not.toHaveProperty(member)
      },
    )

    test('the method of authentication is neither dropped nor given up', async () => {
      const other = await createTenant(server)
      const methods = ['client_secret_post', 'none']
      await allowRegistration(server, other, {
        ...policy,
        token_endpoint_auth_methods: methods,
        grant_types: ['client_credentials', 'refresh_token'],
      })
      const client = await register(other, { token_endpoint_auth_method: 'client_secret_post' })
      expect(await refusalOf(client, {})).toEqual(invalid)
      const change = { token_endpoint_auth_method: 'none', grant_types: ['refresh_token'] }
      expect(await refusalOf(client, change)).toEqual(invalid)
    })

    test('a binding that the policy asks for cannot be taken back', async () => {
      const other = await createTenant(server)
      await allowRegistration(server, other, { ...policy, sender_constraint: 'any' })
      const client = await register(other)
      expect(await refusalOf(client, { dpop_bound_access_tokens: false })).toEqual(invalid)
      const { json } = await update(client, { dpop_bound_access_tokens: null })
      expect(json).toMatchObject({ dpop_bound_access_tokens: true })
    })

    test('what an administrator decided is neither seen nor changed (mass assignment)', async () => {
      const client = await register(tenant)
      const decided = {
        may_introspect: true,
        introspection_audiences: ['https://a.example.test'],
        audience: 'https://b.example.test',
        access_token_lifetime: 30,
        access_token_format: 'opaque',
        resources: ['https://c.example.test/'],
        grant_types: ['client_credentials', 'refresh_token'],
        scopes: ['read', 'write'],
        dpop_bound_access_tokens: true,
        name: 'Renamed',
      }
      await byAdmin(client, decided)
      const { json } = await update(client, { client_name: 'Robot' })
      for (const name of [
        'may_introspect',
        'introspection_audiences',
        'audience',
        'access_token_lifetime',
        'resources',
      ]) {
        expect(json).not.toHaveProperty(name)
      }
      expect(await seenByAdmin(client)).toMatchObject(decided)
      expect(await refusalOf(client, { dpop_bound_access_tokens: false })).toEqual(invalid)
      expect(await refusalOf(client, { dpop_bound_access_tokens: null })).toEqual(invalid)
      expect(await refusalOf(client, { may_introspect: true })).toEqual(invalid)
      expect((await update(client, { dpop_bound_access_tokens: true })).status).toBe(200)
    })

    test('keys that an administrator replaced do not come back (stolen registration token)', async () => {
      const keys = async () => ({ keys: [(await newClientKey('ES256')).publicJwk] })
      const stolen = await keys()
      const method = { token_endpoint_auth_method: 'private_key_jwt' }
      const client = await register(tenant, { ...method, jwks: stolen })
      await byAdmin(client, { jwks: await keys() })
      expect(await refusalOf(client, { ...method, jwks: stolen })).toEqual(invalid)
      expect((await update(client, { ...method })).status).toBe(200)
    })

    test('more scopes than the policy allows (escalation)', async () => {
      const client = await register(tenant)
      expect(await refusalOf(client, { scope: 'read write' })).toEqual(invalid)
      expect((await tenant.tokenAnswer(client, { scope: 'write' })).status).toBe(400)
    })

    test("another client's token, or another tenant's, is none (client id takeover)", async () => {
      const [client, another] = [await register(tenant), await register(tenant)]
      const other = await createTenant(server)
      await allowRegistration(server, other, policy)
      const foreign = await register(other)
      for (const { token } of [another, foreign, { token: client.secret }, { token: await tenant.token(client) }]) {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const body = method === 'PUT' ? { client_id: client.id } : undefined
          expect((await manage(method, { uri: client.uri, token }, body)).status).toBe(401)
        }
      }
      const elsewhere = `${other.issuer}/register/${client.id}`
      expect((await manage('GET', { uri: elsewhere, token: client.token })).status).toBe(401)
    })

    test('clients that an administrator made are not managed here, and ids that cannot be are no failure', async () => {
      const { id, secret } = await tenant.client()
      const { token } = await register(tenant)
      for (const name of [id, 'nobody', '%00', 'a%20b', 'x'.repeat(1_000)]) {
        for (const bearer of [token, secret]) {
          expect((await manage('GET', { uri: `${tenant.issuer}/register/${name}`, token: bearer })).status).toBe(401)
        }
      }
    })

    test('no token, a malformed one, a repeated header or a query are refused', async () => {
      const { uri, token } = await register(tenant)
      const none = await send(uri)
      expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="postern"'])
      expect((await send(uri, { headers: { authorization: 'Bearer a b' } })).status).toBe(400)
      expect((await send(uri, { headers: { authorization: 'Basic YTpi' } })).status).toBe(401)
      expect((await manage('GET', { uri: `${uri}?access_token=${token}`, token })).status).toBe(400)
      expect(server.logs()).not.toContain(token)
    })

    test('an update and a decision of an administrator at once: the decision holds (lost update)', async () => {
      const client = await register(tenant)
      await Promise.all([
        ...Array.from({ length: 5 }, (_, index) => update(client, { client_name: `n${index}` })),
        byAdmin(client, { may_introspect: true }),
      ])
      expect(await seenByAdmin(client)).toMatchObject({ may_introspect: true })
    })
  })
})
