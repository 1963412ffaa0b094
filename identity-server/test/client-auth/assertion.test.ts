import { createServer } from 'node:http'
import { UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  assertionClaims,
  assertionType,
  newClientKey,
  type SigningClientKey,
  signClaims,
} from '../support/assertions.ts'
import { databases, postgresOnly, type Store } from '../support/databases.ts'
import { type Answer, outcome, postForm } from '../support/http.ts'
import { startReplica, startTestServer, type TestServer } from '../support/server.ts'
import { create, createTenant, newSecret, type Tenant, useTenant } from '../support/tenant.ts'
import { useWrongKeyHost, wrongForGood, wrongForNow } from '../support/wrong-key-host.ts'

const algorithms = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA']

async function keyClient(tenant: Tenant, keys: readonly SigningClientKey[], members: object = {}): Promise<string> {
  const jwks = { keys: keys.map(({ publicJwk }) => publicJwk) }
  const settings = { token_endpoint_auth_methods: ['private_key_jwt'], jwks, ...members }
  return (await tenant.client(settings)).id
}

function withAssertion(tenant: Tenant, assertion: string, more: Record<string, string> = {}): Promise<Answer> {
  const form = { grant_type: 'client_credentials', client_assertion: assertion, client_assertion_type: assertionType }
  return postForm(`${tenant.issuer}/token`, { ...form, ...more })
}

const refused = [401, 'invalid_client']

describe.each(databases)('private_key_jwt on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let key: SigningClientKey
  let client: string
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })
  beforeAll(async () => {
    key = await newClientKey('ES256')
    client = await keyClient(tenant, [key])
  })

  const claims = (more: object = {}) => ({ ...assertionClaims(client, tenant.issuer, server.now()), ...more })
  const sign = (payload: object, header: object = {}) =>
    signClaims({ ...payload }, key.privateKey, { alg: 'ES256', kid: key.publicJwk.kid, ...header } as { alg: string })

  test.each(algorithms)('takes an assertion signed with %s, with and without kid and typ', async (algorithm) => {
    const own = await newClientKey(algorithm)
    const id = await keyClient(tenant, [own])
    for (const header of [
      { alg: algorithm, kid: own.publicJwk.kid },
      { alg: algorithm, typ: 'JWT' },
      { alg: algorithm, typ: 'client-authentication+jwt' },
    ]) {
      const assertion = await signClaims(
        assertionClaims(id, tenant.issuer, server.now()),
        own.privateKey,
        header as never,
      )
      expect((await withAssertion(tenant, assertion)).status).toBe(200)
    }
  })

  test('takes the audience as an array of one, and client_id beside the assertion', async () => {
    const answer = await withAssertion(tenant, await sign(claims({ aud: [tenant.issuer] })), { client_id: client })
    expect(answer.status).toBe(200)
  })

  test('takes an assertion once', async () => {
    const assertion = await sign(claims())
    expect((await withAssertion(tenant, assertion)).status).toBe(200)
    expect(outcome(await withAssertion(tenant, assertion))).toEqual(refused)
    // Signed anew, it is the same assertion by its identifier.
    const payload = claims()
    expect((await withAssertion(tenant, await sign(payload))).status).toBe(200)
    expect(outcome(await withAssertion(tenant, await sign(payload)))).toEqual(refused)
  })

  test('takes one assertion of many at once', async () => {
    const assertion = await sign(claims())
    const answers = await Promise.all(Array.from({ length: 20 }, () => withAssertion(tenant, assertion)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('does not let a failed attempt use up an identifier of somebody else', async () => {
    const payload = claims()
    const other = await newClientKey('ES256')
    const forged = await signClaims(payload, other.privateKey, { alg: 'ES256' })
    expect(outcome(await withAssertion(tenant, forged))).toEqual(refused)
    expect((await withAssertion(tenant, await sign(payload))).status).toBe(200)
  })

  const seconds = () => Math.floor(server.now() / 1_000)
  const wrongClaims: [string, () => object][] = [
    ['of another client', () => ({ iss: 'other', sub: 'other' })],
    ['whose issuer is not the client', () => ({ iss: 'other' })],
    ['whose subject is not the client', () => ({ sub: 'other' })],
    ['for the token endpoint', () => ({ aud: `${tenant.issuer}/token` })],
    ['for another issuer', () => ({ aud: `${server.origin}/system` })],
    ['for the issuer with a slash at its end', () => ({ aud: `${tenant.issuer}/` })],
    ['for this and another issuer', () => ({ aud: [tenant.issuer, 'https://other.example'] })],
    ['for nobody', () => ({ aud: undefined })],
    ['that does not expire', () => ({ exp: undefined })],
    ['that has expired', () => ({ exp: seconds() })],
    ['that has expired, within the leeway', () => ({ exp: seconds() - 5, iat: seconds() - 65 })],
    ['that lives longer than ten minutes', () => ({ exp: seconds() + 700 })],
    ['that expires in an unbelievable future', () => ({ exp: 1e300 })],
    ['issued in the future', () => ({ iat: seconds() + 120, exp: seconds() + 180 })],
    ['not valid yet', () => ({ nbf: seconds() + 120 })],
    ['without an identifier', () => ({ jti: undefined })],
    ['with an empty identifier', () => ({ jti: '' })],
    ['with an overlong identifier', () => ({ jti: 'x'.repeat(256) })],
    ['with a number for an identifier', () => ({ jti: 1 })],
    ['with text for a time', () => ({ exp: String(seconds() + 60) })],
    ['with numbers among the audiences', () => ({ aud: [tenant.issuer, 1] })],
  ]
  test.each(wrongClaims)('refuses an assertion %s', async (_, more) => {
    expect(outcome(await withAssertion(tenant, await sign(claims(more()))))).toEqual(refused)
  })

  const wrongHeaders: [string, object][] = [
    ['typ of an access token', { typ: 'at+jwt' }],
    ['typ of a DPoP proof', { typ: 'dpop+jwt' }],
    ['a kid that there is not', { kid: 'unknown' }],
    ['crit', { crit: ['x'], x: true }],
    ['b64 false', { crit: ['b64'], b64: false }],
  ]
  test.each(wrongHeaders)('refuses an assertion with %s in its header', async (_, header) => {
    const assertion = await sign(claims(), header).catch(() => undefined)
    // What jose does not sign, it does not verify either: written by hand then.
    const text = assertion ?? `${encode({ alg: 'ES256', ...header })}.${encode(claims())}.${'A'.repeat(86)}`
    expect(outcome(await withAssertion(tenant, text))).toEqual(refused)
  })

  test('refuses keys that the assertion brings along (embedded key, CVE class of CVE-2018-0114)', async () => {
    const attacker = await newClientKey('ES256')
    for (const more of [{ jwk: attacker.publicJwk }, { jku: `${server.origin}/system/jwks` }, { x5u: 'https://a' }]) {
      const forged = await signClaims(claims(), attacker.privateKey, { alg: 'ES256', ...more })
      expect(outcome(await withAssertion(tenant, forged))).toEqual(refused)
    }
  })

  test('refuses no signature, and the public key for a shared secret (algorithm confusion)', async () => {
    const unsecured = new UnsecuredJWT(claims()).encode()
    expect(outcome(await withAssertion(tenant, unsecured))).toEqual(refused)
    for (const text of [JSON.stringify(key.publicJwk), String(key.publicJwk.x)]) {
      const forged = await signClaims(claims(), Buffer.from(text), { alg: 'HS256' })
      expect(outcome(await withAssertion(tenant, forged))).toEqual(refused)
    }
  })

  test('refuses changed, oversized and oddly spelled assertions', async () => {
    const assertion = await sign(claims())
    const [header, payload, signature] = assertion.split('.')
    const deep = `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`
    const wrong = [
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature}A`,
      `${header}.${encode(claims({ extra: 1 }))}.${signature}`,
      `${header}.${payload}`,
      `${assertion}.`,
      `${header}.${Buffer.from(deep).toString('base64url')}.${signature}`,
      await sign(claims({ padding: 'x'.repeat(16_000) })),
      'not a jwt',
      '..',
    ]
    for (const text of wrong) expect(outcome(await withAssertion(tenant, text))).toEqual(refused)
    expect((await withAssertion(tenant, assertion)).status).toBe(200)
  })

  test('refuses contradictions and half of the parameters', async () => {
    const url = `${tenant.issuer}/token`
    const grant_type = 'client_credentials'
    const half = await postForm(url, { grant_type, client_assertion: await sign(claims()) })
    expect(outcome(half)).toEqual([400, 'invalid_request'])
    const otherHalf = await postForm(url, { grant_type, client_assertion_type: assertionType })
    expect(outcome(otherHalf)).toEqual([400, 'invalid_request'])
    const saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'
    const typed = await withAssertion(tenant, await sign(claims()), { client_assertion_type: saml })
    expect(outcome(typed)).toEqual(refused)
    const contradicted = await withAssertion(tenant, await sign(claims()), { client_id: 'other' })
    expect(outcome(contradicted)).toEqual([400, 'invalid_request'])
    const both = await tenant.client()
    const form = { grant_type, client_assertion: await sign(claims()), client_assertion_type: assertionType }
    expect(outcome(await postForm(url, form, both))).toEqual([400, 'invalid_request'])
  })

  test('takes only the algorithm that the client registered', async () => {
    const own = await newClientKey('RS256')
    const id = await keyClient(tenant, [own], { token_endpoint_auth_signing_alg: 'PS256' })
    const attempt = async (alg: string) => {
      const payload = assertionClaims(id, tenant.issuer, server.now())
      const privateKey = await crypto.subtle.importKey(
        'jwk',
        await crypto.subtle.exportKey('jwk', own.privateKey).then(({ alg: _, ...jwk }) => jwk),
        alg === 'PS256' ? { name: 'RSA-PSS', hash: 'SHA-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
        false,
        ['sign'],
      )
      return withAssertion(tenant, await signClaims(payload, privateKey, { alg }))
    }
    expect((await attempt('PS256')).status).toBe(200)
    expect(outcome(await attempt('RS256'))).toEqual(refused)
  })

  test('of a client that is disabled, deleted, or has another method, is worth nothing', async () => {
    const own = await newClientKey('ES256')
    const id = await keyClient(tenant, [own])
    const attempt = async () =>
      outcome(
        await withAssertion(
          tenant,
          await signClaims(assertionClaims(id, tenant.issuer, server.now()), own.privateKey, { alg: 'ES256' }),
        ),
      )
    const path = `/auth-servers/${tenant.id}/clients/${id}`
    expect(await attempt()).toEqual([200, undefined])
    await server.admin('PATCH', path, { enabled: false })
    expect(await attempt()).toEqual(refused)
    await server.admin('PATCH', path, { enabled: true, token_endpoint_auth_methods: ['client_secret_post'] })
    expect(await attempt()).toEqual(refused)
    await server.admin('DELETE', path)
    expect(await attempt()).toEqual(refused)
  })

  test('opens introspection and revocation as well', async () => {
    const { access_token: token } = (await withAssertion(tenant, await sign(claims()))).json
    const form = async () => ({
      token: String(token),
      client_assertion: await sign(claims()),
      client_assertion_type: assertionType,
    })
    expect((await postForm(`${tenant.issuer}/introspect`, await form())).json.active).toBe(true)
    expect((await postForm(`${tenant.issuer}/revoke`, await form())).status).toBe(200)
    expect((await postForm(`${tenant.issuer}/introspect`, await form())).json.active).toBe(false)
  })

  test.each([
    ['a private key', async () => ({ keys: [await crypto.subtle.exportKey('jwk', key.privateKey)] })],
    ['a secret', async () => ({ keys: [{ kty: 'oct', k: 'AAAA' }] })],
    ['an encryption key', async () => ({ keys: [{ ...key.publicJwk, use: 'enc' }] })],
    ['a point that is on no curve', async () => ({ keys: [{ ...key.publicJwk, y: key.publicJwk.x }] })],
    ['no key', async () => ({ keys: [] })],
  ])('cannot be set up with %s', async (_, jwks) => {
    const body = { name: 'x', jwks: await jwks() }
    const answer = await server.admin('POST', `/auth-servers/${tenant.id}/clients`, body)
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    expect(answer.text).not.toContain(String(key.publicJwk.x))
  })

  test.each(['http://keys.example/jwks', 'https://127.0.0.1/jwks', 'https://[::1]/', 'https://u:p@keys.example/', 'x'])(
    'cannot be set up with keys at %s (SSRF, CVE-2026-1180)',
    async (jwks_uri) => {
      const answer = await server.admin('POST', `/auth-servers/${tenant.id}/clients`, { name: 'x', jwks_uri })
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    },
  )

  test('speaks with oauth4webapi and openid-client', async () => {
    const as = await oauth
      .discoveryRequest(new URL(tenant.issuer), { [oauth.allowInsecureRequests]: true })
      .then((response) => oauth.processDiscoveryResponse(new URL(tenant.issuer), response))
    const own = await newClientKey('ES256')
    const id = await keyClient(tenant, [own])
    const authenticate = oauth.PrivateKeyJwt({ key: own.privateKey, kid: String(own.publicJwk.kid) })
    const answer = await oauth.clientCredentialsGrantRequest(
      as,
      { client_id: id },
      authenticate,
      new URLSearchParams(),
      {
        [oauth.allowInsecureRequests]: true,
      },
    )
    expect(await oauth.processClientCredentialsResponse(as, { client_id: id }, answer)).toHaveProperty('access_token')

    const config = await openid.discovery(new URL(tenant.issuer), id, {}, openid.PrivateKeyJwt(own.privateKey), {
      execute: [openid.allowInsecureRequests],
    })
    expect(await openid.clientCredentialsGrant(config)).toHaveProperty('access_token')
  })
})

describe.each(databases)('client_secret_jwt on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const attempt = async (id: string, secret: string, more: object = {}, alg = 'HS256') => {
    const payload = { ...assertionClaims(id, tenant.issuer, server.now()), ...more }
    return outcome(await withAssertion(tenant, await signClaims(payload, Buffer.from(secret), { alg })))
  }
  const secretClient = () => tenant.client({ token_endpoint_auth_methods: ['client_secret_jwt'] })

  test('takes an assertion made with any secret of the client that is in force', async () => {
    const first = await secretClient()
    const second = await newSecret(server, tenant.id, first.id)
    expect(await attempt(first.id, first.secret)).toEqual([200, undefined])
    expect(await attempt(first.id, second.secret)).toEqual([200, undefined])
    expect(await attempt(first.id, `${first.secret}x`)).toEqual(refused)
    const secrets = `/auth-servers/${tenant.id}/clients/${first.id}/secrets`
    const body = { name: 'short', expires_at: new Date(server.now() + 30_000).toISOString() }
    const { secret, signs } = await create(server, secrets, body)
    expect(signs).toBe(true)
    expect(await attempt(first.id, String(secret))).toEqual([200, undefined])
    server.advance(30_000)
    expect(await attempt(first.id, String(secret))).toEqual(refused)
  })

  test('is not open to secrets that were made when the client had other methods, nor to short ones', async () => {
    const client = await tenant.client()
    const path = `/auth-servers/${tenant.id}/clients/${client.id}`
    await server.admin('PATCH', path, { token_endpoint_auth_methods: ['client_secret_jwt'] })
    expect(await attempt(client.id, client.secret)).toEqual(refused)
    await create(server, `${path}/secrets`, { name: 'short', secret: 'a-short-secret' })
    expect(await attempt(client.id, 'a-short-secret')).toEqual(refused)
    const long = 'an-imported-secret-of-more-than-32-bytes'
    expect(await create(server, `${path}/secrets`, { name: 'long', secret: long })).not.toHaveProperty('secret')
    expect(await attempt(client.id, long)).toEqual([200, undefined])
  })

  test('is for one use, for this issuer, and with HS256 only', async () => {
    const { id, secret } = await secretClient()
    const jti = 'once'
    expect(await attempt(id, secret, { jti })).toEqual([200, undefined])
    expect(await attempt(id, secret, { jti })).toEqual(refused)
    expect(await attempt(id, secret, { aud: `${tenant.issuer}/token` })).toEqual(refused)
    expect(await attempt(id, secret, {}, 'HS512')).toEqual(refused)
  })

  test('speaks with oauth4webapi', async () => {
    const { id, secret } = await secretClient()
    const as = { issuer: tenant.issuer, token_endpoint: `${tenant.issuer}/token` }
    const insecure = { [oauth.allowInsecureRequests]: true }
    const authenticate = oauth.ClientSecretJwt(secret)
    const answer = await oauth.clientCredentialsGrantRequest(as, { client_id: id }, authenticate, {}, insecure)
    expect(await oauth.processClientCredentialsResponse(as, { client_id: id }, answer)).toHaveProperty('access_token')
  })
})

describe.each(databases)('keys behind a jwks_uri on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  let tenant: Tenant
  let keys: SigningClientKey[] = []
  let asked = 0
  const host = createServer((_request, response) => {
    asked += 1
    response.setHeader('content-type', 'application/jwk-set+json')
    response.end(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }))
  })
  beforeAll(async () => {
    store = await start()
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
    server = await startTestServer(store, { environment: { POSTERN_OUTGOING_PRIVATE: 'true' } })
    tenant = await createTenant(server)
  })
  afterAll(async () => {
    host.close()
    await server?.close()
    await store?.stop()
  })

  test('are fetched once for many, and again for a key that is new', async () => {
    const address = host.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const { id } = await tenant.client({
      token_endpoint_auth_methods: ['private_key_jwt'],
      jwks_uri: `http://127.0.0.1:${port}/jwks`,
    })
    const attempt = async ({ privateKey, publicJwk, algorithm: alg }: SigningClientKey) => {
      const payload = assertionClaims(id, tenant.issuer, server.now())
      return (await withAssertion(tenant, await signClaims(payload, privateKey, { alg, kid: String(publicJwk.kid) })))
        .status
    }
    const [first, second] = [await newClientKey('ES256'), await newClientKey('RS256')]
    keys = [first]
    expect(await Promise.all(Array.from({ length: 10 }, () => attempt(first)))).toEqual(Array(10).fill(200))
    expect(asked).toBe(1)
    keys = [second]
    server.advance(11_000)
    expect(await attempt(second)).toBe(200)
    expect(await attempt(first)).toBe(401)
    expect(asked).toBe(2)
    host.closeAllConnections()
    await new Promise((resolve) => host.close(resolve))
    expect(await attempt(second)).toBe(200)
    const unknown = await tenant.client({
      token_endpoint_auth_methods: ['private_key_jwt'],
      jwks_uri: `http://127.0.0.1:${port}/other`,
    })
    const payload = assertionClaims(unknown.id, tenant.issuer, server.now())
    const answer = await withAssertion(tenant, await signClaims(payload, second.privateKey, { alg: 'RS256' }))
    expect([answer.status, answer.json.error, answer.headers.get('retry-after')]).toEqual([
      503,
      'temporarily_unavailable',
      '1',
    ])
  })
})

describe.each(databases)("a client's own jwks_uri that is wrong on $kind", ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  const urlOf = useWrongKeyHost()
  useTenant(
    start,
    (bench) => {
      ;({ server, tenant } = bench)
    },
    { environment: { POSTERN_OUTGOING_PRIVATE: 'true' } },
  )

  const attempt = async (path: string) => {
    const method = { token_endpoint_auth_methods: ['private_key_jwt'], jwks_uri: urlOf(path) }
    const { id } = await tenant.client(method)
    const payload = assertionClaims(id, tenant.issuer, server.now())
    const key = await newClientKey('ES256')
    const { status, json } = await withAssertion(tenant, await signClaims(payload, key.privateKey, { alg: 'ES256' }))
    return [status, json.error, json.error_description]
  }

  test.each(wrongForGood)('%s does not authenticate it', async (path) => {
    expect(await attempt(path)).toEqual([401, 'invalid_client', 'client authentication failed'])
  })

  test.each(wrongForNow)('%s may be over soon', async (path) => {
    expect((await attempt(path)).slice(0, 2)).toEqual([503, 'temporarily_unavailable'])
  })
})

describe.each(postgresOnly)('two replicas on one PostgreSQL', ({ start }) => {
  test('take an assertion once between them', async () => {
    const store = await start()
    const first = await startTestServer(store)
    const second = await startReplica(store, first)
    try {
      const tenant = await createTenant(first)
      const key = await newClientKey('ES256')
      const id = await keyClient(tenant, [key])
      for (let round = 0; round < 5; round++) {
        const payload = assertionClaims(id, tenant.issuer, first.now())
        const client_assertion = await signClaims(payload, key.privateKey, { alg: 'ES256' })
        const form = { grant_type: 'client_credentials', client_assertion, client_assertion_type: assertionType }
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            postForm(`${index % 2 === 0 ? first.address : second.address}/${tenant.id}/token`, form),
          ),
        )
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      }
    } finally {
      await second.close()
      await first.close()
      await store.stop()
    }
  })
})

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
