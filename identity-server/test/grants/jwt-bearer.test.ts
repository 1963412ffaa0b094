import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { newClientKey, signClaims } from '../support/assertions.ts'
import { databases, postgresOnly } from '../support/databases.ts'
import { createForeignIssuer, type ForeignIssuer } from '../support/foreign-issuer.ts'
import { type Credentials, outcome, postForm } from '../support/http.ts'
import { startReplica, startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const refused = [400, 'invalid_grant']

describe.each(databases)('the JWT bearer grant on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let partner: ForeignIssuer
  let client: Credentials
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })
  beforeAll(async () => {
    partner = await createForeignIssuer(server, tenant)
    client = await tenant.client({ grant_types: [grant_type] })
  })

  const present = (assertion: string, form: Record<string, string> = {}, by = client) =>
    postForm(`${tenant.issuer}/token`, { grant_type, assertion, ...form }, by)

  test('gives a token for the mapped subject, once for each assertion', async () => {
    const assertion = await partner.sign()
    const answer = await present(assertion)
    expect(answer.status).toBe(200)
    expect(decodeJwt(String(answer.json.access_token))).toMatchObject({
      sub: 'partner:alice',
      client_id: client.id,
      scope: 'read write',
    })
    expect(outcome(await present(assertion))).toEqual(refused)
  })

  test('gives no more scopes than the issuer is trusted for, and the client may have', async () => {
    const narrow = await createForeignIssuer(server, tenant, { scopes: ['read'] })
    expect((await present(await narrow.sign())).json.scope).toBe('read')
    expect(outcome(await present(await narrow.sign(), { scope: 'write' }))).toEqual([400, 'invalid_scope'])
    const poor = await tenant.client({ grant_types: [grant_type], scopes: ['write'] })
    expect((await present(await partner.sign(), {}, poor)).json.scope).toBe('write')
  })

  test('maps the subject from other claims, under a condition', async () => {
    const mapped = await createForeignIssuer(server, tenant, {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the claims engine
      subject: '${subject_token.email}',
      condition: 'subject_token.email_verified == true && "ops" in subject_token.groups',
    })
    const claims = { email: 'a@b.example', email_verified: true, groups: ['ops', 'dev'] }
    const answer = await present(await mapped.sign(claims))
    expect(decodeJwt(String(answer.json.access_token)).sub).toBe('a@b.example')
    for (const wrong of [
      { email_verified: false },
      { email_verified: 'true' },
      { groups: [] },
      { groups: undefined },
      { email: undefined },
      { email: '' },
      { email: 17 },
      { email: ['a@b.example'] },
      { email: 'x'.repeat(256) },
    ]) {
      expect(outcome(await present(await mapped.sign({ ...claims, ...wrong })))).toEqual(refused)
    }
  })

  const seconds = () => Math.floor(server.now() / 1_000)
  const wrongClaims: [string, () => object][] = [
    ['for the token endpoint', () => ({ aud: `${tenant.issuer}/token` })],
    ['for somebody else too', () => ({ aud: [tenant.issuer, 'https://other.example'] })],
    ['for nobody', () => ({ aud: undefined })],
    ['of an issuer that is not trusted', () => ({ iss: 'https://other.example' })],
    ['of this issuer itself', () => ({ iss: tenant.issuer })],
    ['without an issuer', () => ({ iss: undefined })],
    ['without a subject', () => ({ sub: undefined })],
    ['without an identifier', () => ({ jti: undefined })],
    ['with an overlong identifier', () => ({ jti: 'x'.repeat(256) })],
    ['that has expired', () => ({ exp: seconds() })],
    ['that does not expire', () => ({ exp: undefined })],
    ['that lives too long', () => ({ exp: seconds() + 3_700 })],
    ['issued in the future', () => ({ iat: seconds() + 60 })],
    ['not valid yet', () => ({ nbf: seconds() + 60 })],
  ]
  test.each(wrongClaims)('refuses an assertion %s', async (_, claims) => {
    expect(outcome(await present(await partner.sign({ ...claims() })))).toEqual(refused)
  })

  test.each(['at+jwt', 'dpop+jwt', 'secevent+jwt', 'logout+jwt', 'client-authentication+jwt'])(
    'refuses a JWT of type %s: it was made for something else',
    async (typ) => {
      expect(outcome(await present(await partner.sign({}, { typ })))).toEqual(refused)
    },
  )

  test('refuses the key of somebody else, an access token of its own, and what is no JWT', async () => {
    const other = await newClientKey('ES256')
    const iat = seconds()
    const claims = { iss: partner.issuer, sub: 'alice', aud: tenant.issuer, jti: 'j', iat, exp: iat + 60 }
    expect(outcome(await present(await signClaims(claims, other.privateKey, { alg: 'ES256' })))).toEqual(refused)
    expect(outcome(await present(await tenant.token(await tenant.client())))).toEqual(refused)
    for (const text of [
      'x',
      'a.b.c',
      `${await partner.sign()}=`,
      `${await partner.sign({ pad: 'x'.repeat(20_000) })}`,
    ]) {
      expect(outcome(await present(text))).toEqual(refused)
    }
    expect(outcome(await postForm(`${tenant.issuer}/token`, { grant_type }, client))).toEqual([400, 'invalid_request'])
  })

  test('an issuer is trusted for what is said, by whom is said, and no longer than it is', async () => {
    const exchangeOnly = await createForeignIssuer(server, tenant, { trusted_for: ['subject_tokens'] })
    expect(outcome(await present(await exchangeOnly.sign()))).toEqual(refused)
    const others = await createForeignIssuer(server, tenant, { clients: ['another'] })
    expect(outcome(await present(await others.sign()))).toEqual(refused)
    const path = `/auth-servers/${tenant.id}/trusted-issuers/${others.id}`
    expect((await server.admin('PATCH', path, { clients: [client.id] })).status).toBe(200)
    expect((await present(await others.sign())).status).toBe(200)
    await server.admin('PATCH', path, { enabled: false })
    expect(outcome(await present(await others.sign()))).toEqual(refused)
    await server.admin('DELETE', path)
    expect(outcome(await present(await others.sign()))).toEqual(refused)
  })

  test('a trust of one auth server says nothing at another', async () => {
    const other = await createTenant(server)
    const stranger = await other.client({ grant_types: [grant_type] })
    const answer = await postForm(
      `${other.issuer}/token`,
      { grant_type, assertion: await partner.sign({ aud: other.issuer }) },
      stranger,
    )
    expect(outcome(answer)).toEqual(refused)
  })

  test('a revoked subject does not come in by an assertion from before (CVE-2026-1609)', async () => {
    const before = await partner.sign({ sub: 'mallory' })
    const body = { kind: 'subject', value: 'partner:mallory' }
    expect((await server.admin('POST', `/auth-servers/${tenant.id}/revocations`, body)).status).toBe(201)
    expect(outcome(await present(before))).toEqual(refused)
    server.advance(2_000)
    expect((await present(await partner.sign({ sub: 'mallory' }))).status).toBe(200)
  })

  test('needs client authentication, and the grant', async () => {
    const assertion = await partner.sign()
    const without = await postForm(`${tenant.issuer}/token`, { grant_type, assertion })
    expect(outcome(without)).toEqual([401, 'invalid_client'])
    const other = await tenant.client()
    expect(outcome(await present(assertion, {}, other))).toEqual([400, 'unauthorized_client'])
    const open = await tenant.client({ grant_types: [grant_type], token_endpoint_auth_methods: ['none'] })
    const named = await postForm(`${tenant.issuer}/token`, { grant_type, assertion, client_id: open.id })
    expect(outcome(named)).toEqual([400, 'unauthorized_client'])
    // Refused for the client's sake, the assertion is not used up.
    expect((await present(assertion)).status).toBe(200)
  })

  test.each([
    ['no keys', { jwks: null }],
    ['keys in two places', { jwks_uri: 'https://keys.example/' }],
    ['keys at a private address (SSRF)', { jwks: null, jwks_uri: 'https://10.0.0.1/' }],
    ['a mapping that is no expression', { subject: '${' }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the claims engine
    ['a mapping from something else', { subject: '${client.id}' }],
    ['a condition that is no expression', { condition: '1 +' }],
    ['a condition about something else', { condition: 'client.id == "a"' }],
    ['an unknown purpose', { trusted_for: ['login'] }],
    ['an unknown algorithm', { algorithms: ['HS256'] }],
  ])('cannot be set up with %s', async (_, members) => {
    const path = `/auth-servers/${tenant.id}/trusted-issuers/${partner.id}`
    const answer = await server.admin('PATCH', path, members)
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    expect((await present(await partner.sign())).status).toBe(200)
  })

  test('speaks with oauth4webapi and openid-client', async () => {
    const as = { issuer: tenant.issuer, token_endpoint: `${tenant.issuer}/token` }
    const insecure = { [oauth.allowInsecureRequests]: true }
    const parameters = new URLSearchParams({ assertion: await partner.sign() })
    const authenticate = oauth.ClientSecretPost(client.secret)
    const own = { client_id: client.id }
    const answer = await oauth.genericTokenEndpointRequest(as, own, authenticate, grant_type, parameters, insecure)
    expect(await oauth.processGenericTokenEndpointResponse(as, own, answer)).toHaveProperty('access_token')
    const config = await openid.discovery(new URL(tenant.issuer), client.id, client.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    })
    const more = { assertion: await partner.sign(), scope: 'read' }
    expect(await openid.genericGrantRequest(config, grant_type, more)).toMatchObject({ scope: 'read' })
  })

  test('gives a refresh token to a client that may use it; openid-client and oauth4webapi refresh', async () => {
    const lasting = await tenant.client({ grant_types: [grant_type, 'refresh_token'] })
    const config = await openid.discovery(new URL(tenant.issuer), lasting.id, lasting.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    })
    const first = await openid.genericGrantRequest(config, grant_type, { assertion: await partner.sign() })
    const second = await openid.refreshTokenGrant(config, String(first.refresh_token), { scope: 'read' })
    expect(second).toMatchObject({
      scope: 'read',
      refresh_token: expect.not.stringMatching(String(first.refresh_token)),
    })
    const claims = (token: string) => decodeJwt(token)
    expect(claims(second.access_token)).toMatchObject({
      sub: 'partner:alice',
      grant_id: claims(first.access_token).grant_id,
    })

    const as = { issuer: tenant.issuer, token_endpoint: `${tenant.issuer}/token` }
    const insecure = { [oauth.allowInsecureRequests]: true }
    const own = { client_id: lasting.id }
    const authenticate = oauth.ClientSecretBasic(lasting.secret)
    const refresh = (token: string) => oauth.refreshTokenGrantRequest(as, own, authenticate, token, insecure)
    const third = await oauth.processRefreshTokenResponse(as, own, await refresh(String(second.refresh_token)))
    expect(third).toMatchObject({ scope: 'read write' })
    // Used again, a refresh token ends its whole grant.
    expect((await refresh(String(second.refresh_token))).status).toBe(400)
    expect((await refresh(String(third.refresh_token))).status).toBe(400)
    expect((await tenant.introspect(lasting, third.access_token)).json).toEqual({ active: false })
  })
})

describe.each(postgresOnly)('two replicas on one PostgreSQL', ({ start }) => {
  test('take an assertion of a trusted issuer once between them', async () => {
    const store = await start()
    const first = await startTestServer(store)
    const second = await startReplica(store, first)
    try {
      const tenant = await createTenant(first)
      const partner = await createForeignIssuer(first, tenant)
      const client = await tenant.client({ grant_types: [grant_type] })
      const assertion = await partner.sign()
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          postForm(`${(index % 2 ? first : second).address}/${tenant.id}/token`, { grant_type, assertion }, client),
        ),
      )
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    } finally {
      await second.close()
      await first.close()
      await store.stop()
    }
  })
})
