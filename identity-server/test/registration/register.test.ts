import { generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { describe, expect, test } from 'vitest'
import { newClientKey } from '../support/assertions.ts'
import { databases, type Store } from '../support/databases.ts'
import { postJson, send } from '../support/http.ts'
import { allowRegistration, initialAccessToken, register, tryToRegister } from '../support/registering.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

const policy = {
  mode: 'open',
  scopes: ['read', 'write'],
  default_scopes: ['read'],
  grant_types: ['client_credentials', 'refresh_token'],
  max_clients: 1_000,
}

describe.each(databases)('dynamic client registration (RFC 7591) on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let store: Store

  useTenant(start, async (bench) => {
    ;({ server, tenant, store } = bench)
    await allowRegistration(server, tenant, policy)
  })

  const refusal = async (metadata: unknown, as = tenant) => {
    const { status, json } = await tryToRegister(as, metadata)
    return [status, json.error]
  }
  const invalid = [400, 'invalid_client_metadata']

  // First: their assertions and proofs are of the real time, and later tests move the server's.
  describe('real clients', () => {
    const insecure = { [oauth.allowInsecureRequests]: true }
    const discover = async () => {
      const issuer = new URL(tenant.issuer)
      return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
    }

    test.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'])(
      'oauth4webapi registers with %s, and gets a token',
      async (method) => {
        const as = await discover()
        const key = await newClientKey('ES256')
        const metadata = {
          token_endpoint_auth_method: method,
          scope: 'read write',
          ...(method === 'private_key_jwt' && { jwks: { keys: [key.publicJwk] } }),
        }
        const response = await oauth.dynamicClientRegistrationRequest(as, metadata, insecure)
        const client = await oauth.processDynamicClientRegistrationResponse(response)
        const secret = String(client.client_secret)
        const authentications: Record<string, oauth.ClientAuth> = {
          client_secret_basic: oauth.ClientSecretBasic(secret),
          client_secret_post: oauth.ClientSecretPost(secret),
          client_secret_jwt: oauth.ClientSecretJwt(secret),
          private_key_jwt: oauth.PrivateKeyJwt({ key: key.privateKey, kid: String(key.publicJwk.kid) }),
        }
        const authentication = authentications[method] ?? oauth.None()
        const asked = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, insecure)
        const token = await oauth.processClientCredentialsResponse(as, client, asked)
        expect(token).toMatchObject({ token_type: 'bearer', scope: 'read' })
        expect('client_secret' in client).toBe(method !== 'private_key_jwt')
      },
    )

    test('openid-client registers with an initial access token, and gets a token bound to its key', async () => {
      const closed = await createTenant(server)
      await allowRegistration(server, closed, { ...policy, mode: 'initial_access_token' })
      const config = await openid.dynamicClientRegistration(
        new URL(closed.issuer),
        {
          client_name: 'Real',
          scope: 'write',
          // Its own default, which it does not tell.
          token_endpoint_auth_method: 'client_secret_post',
          dpop_bound_access_tokens: true,
        },
        undefined,
        { initialAccessToken: await initialAccessToken(server, closed), execute: [openid.allowInsecureRequests] },
      )
      const keyPair = await generateKeyPair('ES256')
      const DPoP = openid.getDPoPHandle(config, keyPair)
      const token = await openid.clientCredentialsGrant(config, { scope: 'write' }, { DPoP })
      expect(token).toMatchObject({ token_type: 'dpop', scope: 'write' })
      expect((await tryToRegister(closed, {}, 'x')).status).toBe(401)
    })
  })

  test('is off until it is turned on, and then told by the metadata', async () => {
    const other = await createTenant(server)
    const metadataOf = async ({ issuer }: Tenant) => (await send(`${issuer}/.well-known/openid-configuration`)).json
    expect(await metadataOf(other)).not.toHaveProperty('registration_endpoint')
    expect((await tryToRegister(other, {})).status).toBe(404)
    expect(await metadataOf(tenant)).toMatchObject({ registration_endpoint: `${tenant.issuer}/register` })
  })

  test('answers with all that is in force, and with the secret this once', async () => {
    const { answer, id, secret } = await register(tenant, { client_name: 'Robot', contacts: ['ops@example.test'] })
    expect(answer.json).toEqual({
      client_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_id_issued_at: expect.any(Number),
      client_secret: expect.stringMatching(/^pst_/),
      client_secret_expires_at: 0,
      registration_access_token: expect.stringMatching(/^pst_registration_/),
      registration_client_uri: `${tenant.issuer}/register/${id}`,
      client_name: 'Robot',
      contacts: ['ops@example.test'],
      grant_types: ['client_credentials'],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'read',
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await tenant.tokenAnswer({ id, secret })).json).toMatchObject({ scope: 'read' })
    expect((await tenant.tokenAnswer({ id, secret }, { scope: 'write' })).status).toBe(400)
    expect(server.logs()).not.toContain(secret)
  })

  test('an administrator sees it as any other client, without more rights', async () => {
    const { id } = await register(tenant)
    const { json } = await server.admin('GET', `/auth-servers/${tenant.id}/clients/${id}`)
    expect(json).toMatchObject({ may_introspect: false, enabled: true, audience: null, name: id })
  })

  test('secrets expire as the policy says', async () => {
    const other = await createTenant(server)
    await allowRegistration(server, other, { ...policy, secret_lifetime: 3_600 })
    const { id, secret, answer } = await register(other)
    const expiresAt = Number(answer.json.client_secret_expires_at) * 1_000
    expect(Math.abs(expiresAt - server.now() - 3_600_000)).toBeLessThan(10_000)
    expect((await other.tokenAnswer({ id, secret })).status).toBe(200)
    server.advance(3_601_000)
    expect((await other.tokenAnswer({ id, secret })).status).toBe(401)
  })

  test('the policy decides about methods, grants, scopes and binding', async () => {
    expect(await refusal({ token_endpoint_auth_method: 'none' })).toEqual(invalid)
    expect(await refusal({ token_endpoint_auth_method: 'nonsense' })).toEqual(invalid)
    expect(await refusal({ grant_types: ['authorization_code'] })).toEqual(invalid)
    expect(await refusal({ scope: 'read admin' })).toEqual(invalid)
    expect(await refusal({ scope: 'read"' })).toEqual(invalid)
    expect(await refusal({ authorization_details_types: ['payment'] })).toEqual(invalid)
    const bound = await createTenant(server)
    await allowRegistration(server, bound, { ...policy, sender_constraint: 'dpop', resources: ['https://r.test/'] })
    expect(await refusal({ dpop_bound_access_tokens: false }, bound)).toEqual(invalid)
    const { answer, id, secret } = await register(bound)
    expect(answer.json).toMatchObject({ dpop_bound_access_tokens: true })
    expect((await bound.tokenAnswer({ id, secret })).json).toMatchObject({ error: 'invalid_dpop_proof' })
  })

  test('a scope that the policy names and that does not exist is refused', async () => {
    const other = await createTenant(server)
    await allowRegistration(server, other, { ...policy, scopes: ['read', 'gone'] })
    expect(await refusal({ scope: 'gone' }, other)).toEqual(invalid)
  })

  test('the limits of the tenant hold as well', async () => {
    const limits = { token_endpoint_auth_methods: ['private_key_jwt'] }
    const other = await createTenant(server, { limits })
    await allowRegistration(server, other, policy)
    expect(await refusal({}, other)).toEqual(invalid)
  })

  test('members that contradict each other are refused', async () => {
    const { publicJwk } = await newClientKey('ES256')
    const jwks = { keys: [publicJwk] }
    const wrong = [
      { token_endpoint_auth_method: 'private_key_jwt' },
      { jwks, jwks_uri: 'https://keys.example.test/jwks' },
      { token_endpoint_auth_method: 'private_key_jwt', jwks, token_endpoint_auth_signing_alg: 'HS256' },
      { token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: 'ES256' },
      { jwks: { keys: [{ ...publicJwk, d: 'secret' }] } },
      { token_endpoint_auth_method: 'tls_client_auth' },
      { tls_client_auth_san_dns: 'a.test', tls_client_auth_subject_dn: 'CN=a' },
      { response_types: ['code'] },
      { grant_types: 'client_credentials' },
      { client_name: 'line\nbreak' },
    ]
    for (const metadata of wrong) expect([metadata, await refusal(metadata)]).toEqual([metadata, invalid])
    expect(await refusal({ redirect_uris: ['https://a.example/cb'] })).toEqual([400, 'invalid_redirect_uri'])
    expect((await tryToRegister(tenant, { redirect_uris: [], response_types: [] })).status).toBe(201)
  })

  test('protections that there are not here are refused, other unknown members passed over', async () => {
    expect(await refusal({ require_signed_request_object: true })).toEqual(invalid)
    expect(await refusal({ introspection_encrypted_response_alg: 'RSA-OAEP-256' })).toEqual(invalid)
    expect(await refusal({ software_statement: 'a.b.c' })).toEqual([400, 'invalid_software_statement'])
    const { answer } = await register(tenant, { 'client_name#de': 'Roboter', subject_type: 'public', logo_uri: null })
    expect(Object.keys(answer.json)).not.toContain('subject_type')
  })

  test('there are no more registered clients than the policy allows, however many come at once', async () => {
    const other = await createTenant(server)
    await allowRegistration(server, other, { ...policy, max_clients: 3 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => tryToRegister(other, {})))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(5)
  })

  test('registrations and refusals are recorded', async () => {
    const own = await startTestServer(store)
    const there = await createTenant(own)
    await allowRegistration(own, there, policy)
    const { id } = await register(there)
    await tryToRegister(there, { may_introspect: true })
    await own.close()
    const rows = await store.query(
      own.variables,
      `select type, client_id, data from events where type in ('client.created', 'registration.refused')
        and data->>'actor' is null order by id`,
    )
    expect(rows).toEqual([
      { type: 'client.created', client_id: id, data: { target: `/auth-servers/${there.id}/clients/${id}` } },
      {
        type: 'registration.refused',
        client_id: null,
        data: { error: 'invalid_client_metadata', reason: 'may_introspect cannot be registered' },
      },
    ])
  })

  describe('with initial access tokens', () => {
    let closed: Tenant
    const open = async () => {
      closed ??= await createTenant(server)
      await allowRegistration(server, closed, { ...policy, mode: 'initial_access_token' })
      return closed
    }

    test('only who has one registers, so often as it says', async () => {
      const to = await open()
      const none = await tryToRegister(to, {})
      expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="postern"'])
      const wrong = await tryToRegister(to, {}, 'pst_initial_wrong')
      expect([wrong.status, wrong.json.error]).toEqual([401, 'invalid_token'])
      expect(wrong.headers.get('www-authenticate')).toMatch(/error="invalid_token"/)
      const token = await initialAccessToken(server, to, { uses_left: 2 })
      expect((await tryToRegister(to, { token_endpoint_auth_method: 'none' }, token)).status).toBe(400)
      await register(to, {}, token)
      await register(to, {}, token)
      expect((await tryToRegister(to, {}, token)).status).toBe(401)
    })

    test('it expires, and an administrator sees it without the token and takes it back', async () => {
      const to = await open()
      const path = `/auth-servers/${to.id}/initial-access-tokens`
      const token = await initialAccessToken(server, to)
      const { json, text } = await server.admin('GET', path)
      expect(json.items).toContainEqual(expect.objectContaining({ name: 'test', uses_left: 1 }))
      expect(text).not.toContain(token)
      server.advance(86_400_001)
      expect((await tryToRegister(to, {}, token)).status).toBe(401)
      const created = await server.admin('POST', path, { name: 'x', expires_at: '2999-01-01T00:00:00Z' })
      await server.admin('DELETE', `${path}/${String(created.json.id)}`)
      expect((await tryToRegister(to, {}, String(created.json.token))).status).toBe(401)
    })

    test('one of another tenant is none here (foreign tenant)', async () => {
      const to = await open()
      const other = await createTenant(server)
      await allowRegistration(server, other, { ...policy, mode: 'initial_access_token' })
      expect((await tryToRegister(to, {}, await initialAccessToken(server, other))).status).toBe(401)
    })

    test('used at once at two replicas, it is used no more often than it may be (race)', async () => {
      const to = await open()
      const token = await initialAccessToken(server, to, { uses_left: 3 })
      const second =
        store.kind === 'postgres' ? await startTestServer(store, { variables: server.variables }) : undefined
      try {
        const origins = [server.origin, second?.origin ?? server.origin]
        const answers = await Promise.all(
          Array.from({ length: 12 }, (_, index) =>
            postJson(`${origins[index % 2]}/${to.id}/register`, {}, { authorization: `Bearer ${token}` }),
          ),
        )
        expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
        expect(answers.filter(({ status }) => status === 401)).toHaveLength(9)
      } finally {
        await second?.close()
      }
    })
  })

  describe('attacks', () => {
    const unsafeUrls = [
      'http://169.254.169.254/latest',
      'https://10.0.0.1/',
      'https://localhost/',
      'javascript:alert(1)',
    ]
    test.each(['jwks_uri', 'logo_uri', 'client_uri', 'policy_uri', 'tos_uri'])('SSRF by %s', async (name) => {
      for (const url of unsafeUrls) expect([url, await refusal({ [name]: url })]).toEqual([url, invalid])
    })

    test('nobody chooses an id or a secret (client id takeover)', async () => {
      const present = await tenant.client()
      expect(await refusal({ client_id: present.id })).toEqual(invalid)
      expect(await refusal({ client_secret: 'x'.repeat(40) })).toEqual(invalid)
    })

    test.each([
      ['may_introspect', true],
      ['introspection_audiences', ['https://api.example.test']],
      ['token_exchange', { impersonation: true }],
      ['resources', ['https://other.test/']],
      ['access_token_lifetime', 86_400],
      ['access_token_format', 'opaque'],
      ['audience', 'https://other.test'],
      ['enabled', true],
      ['scopes', ['write']],
      ['token_endpoint_auth_methods', ['none']],
      ['grant_lifetime', 10],
    ])('mass assignment of %s', async (name, value) => expect(await refusal({ [name]: value })).toEqual(invalid))

    const post = (body: string, type = 'application/json') =>
      send(`${tenant.issuer}/register`, { method: 'POST', body, headers: { 'content-type': type } })

    test('prototype pollution', async () => {
      for (const body of ['{"__proto__":{"may_introspect":true}}', '{"constructor":{"prototype":{"polluted":1}}}']) {
        const { status, text } = await post(body)
        expect([status, text.includes('may_introspect')]).toEqual([201, false])
      }
      expect(Object.hasOwn(Object.prototype, 'may_introspect') || 'polluted' in {}).toBe(false)
    })

    test('bodies that readers take differently, or that are no JSON object', async () => {
      const bodies = [
        '{"scope":"read","scope":"write"}',
        '[]',
        '"x"',
        '1',
        'null',
        '',
        '{',
        '\u0000',
        '[[[[[[[[1]]]]]]]]',
      ]
      for (const body of bodies) expect([body, (await post(body)).status]).toEqual([body, 400])
      expect((await post('client_name=x', 'application/x-www-form-urlencoded')).status).toBe(400)
      expect((await post('{}', 'text/plain')).status).toBe(400)
      expect((await send(`${tenant.issuer}/register?a=b`, { method: 'POST' })).status).toBe(400)
    })

    test('oversized bodies and members', async () => {
      expect((await post(JSON.stringify({ client_name: 'x'.repeat(70_000) }))).status).toBe(413)
      expect(await refusal({ client_name: 'x'.repeat(201) })).toEqual(invalid)
      expect(await refusal({ contacts: Array.from({ length: 21 }, (_, index) => `${index}@a.test`) })).toEqual(invalid)
    })

    test('what the database cannot take is a refusal, not a failure', async () => {
      const { publicJwk } = await newClientKey('ES256')
      expect(await refusal({ jwks: { keys: [{ ...publicJwk, x5t: '\u0000' }] } })).toEqual(invalid)
    })

    test('nobody registers at the system auth server', async () => {
      const { status, json } = await server.admin('PATCH', '/auth-servers/system', { registration: policy })
      expect([status, json.code]).toEqual([409, 'protected'])
    })
  })
})
