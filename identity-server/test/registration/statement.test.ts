import { randomUUID } from 'node:crypto'
import { UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { assertionType, newClientKey, signClaims } from '../support/assertions.ts'
import { databases } from '../support/databases.ts'
import { createForeignIssuer, type ForeignIssuer } from '../support/foreign-issuer.ts'
import { postForm } from '../support/http.ts'
import {
  allowRegistration,
  initialAccessToken,
  manage,
  metadataOf,
  type Registered,
  register,
  tryToRegister,
} from '../support/registering.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

const policy = { mode: 'software_statement', scopes: ['read', 'write'], default_scopes: ['read'], max_clients: 1_000 }
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const invalid = [400, 'invalid_software_statement']
const unapproved = [400, 'unapproved_software_statement']
const malformed = [400, 'invalid_client_metadata']

describe.each(databases)('registration by software statement on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let vendor: ForeignIssuer

  useTenant(start, async (bench) => {
    ;({ server, tenant } = bench)
    await allowRegistration(server, tenant, policy)
  })
  beforeAll(async () => {
    vendor = await trustFor(tenant)
  })

  const trustFor = (tenant: Tenant, members: object = {}) => {
    const none = { subject: undefined, scopes: undefined }
    return createForeignIssuer(server, tenant, { trusted_for: ['software_statements'], ...none, ...members })
  }
  const seconds = () => Math.floor(server.now() / 1_000)
  /** As vendors sign it: for nobody in particular, and for good. */
  const forGood = { sub: undefined, aud: undefined, exp: undefined, jti: undefined, software_id: 'robot' }
  const state = (claims: object = {}, header: Record<string, unknown> = {}, by = vendor) =>
    by.sign({ ...forGood, ...claims }, header)
  const refusal = async (metadata: object, to = tenant, token?: string) => {
    const { status, json } = await tryToRegister(to, metadata, token)
    return [status, json.error]
  }
  const registerBy = async (claims: object = {}, metadata: object = {}) =>
    register(tenant, { ...metadata, software_statement: await state(claims) })
  const update = (client: Registered, change: object) => manage('PUT', client, { client_id: client.id, ...change })

  describe('real clients', () => {
    const insecure = { [oauth.allowInsecureRequests]: true }

    test('oauth4webapi registers, and gets a token', async () => {
      const issuer = new URL(tenant.issuer)
      const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
      const metadata = { software_statement: await state({ client_name: 'Robot', scope: 'write' }) }
      const response = await oauth.dynamicClientRegistrationRequest(as, metadata, insecure)
      const client = await oauth.processDynamicClientRegistrationResponse(response)
      expect(client).toMatchObject({ ...metadata, client_name: 'Robot', software_id: 'robot', scope: 'write' })
      const authentication = oauth.ClientSecretBasic(String(client.client_secret))
      const parameters = { scope: 'write' }
      const asked = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, insecure)
      expect(await oauth.processClientCredentialsResponse(as, client, asked)).toMatchObject({ scope: 'write' })
    })

    test('openid-client registers, with the keys that the statement fixes', async () => {
      const key = await newClientKey('ES256')
      const jwks = { keys: [key.publicJwk] }
      const software_statement = await state({ jwks, token_endpoint_auth_method: 'private_key_jwt', scope: 'read' })
      const config = await openid.dynamicClientRegistration(
        new URL(tenant.issuer),
        { software_statement },
        openid.PrivateKeyJwt({ key: key.privateKey, kid: String(key.publicJwk.kid) }),
        { execute: [openid.allowInsecureRequests] },
      )
      expect(config.clientMetadata()).toMatchObject({ jwks, token_endpoint_auth_method: 'private_key_jwt' })
      expect(await openid.clientCredentialsGrant(config)).toMatchObject({ token_type: 'bearer' })
    })
  })

  test('what it says takes precedence over what the client says (section 2.3)', async () => {
    const software_statement = await state({
      client_name: 'Robot',
      software_version: '2.1',
      scope: 'read',
      dpop_bound_access_tokens: true,
      contacts: null,
      org_id: 'unknown to us',
    })
    const own = {
      client_name: 'Impostor',
      software_id: 'other',
      scope: 'read write',
      dpop_bound_access_tokens: false,
      contacts: ['ops@example.test'],
    }
    const { answer } = await register(tenant, { ...own, software_statement })
    expect(answer.json).toMatchObject({
      software_statement,
      client_name: 'Robot',
      software_id: 'robot',
      software_version: '2.1',
      scope: 'read',
      dpop_bound_access_tokens: true,
      contacts: ['ops@example.test'],
    })
    expect(answer.json).not.toHaveProperty('org_id')
    const taken = await register(tenant, { dpop_bound_access_tokens: null, software_statement })
    expect(taken.answer.json).toMatchObject({ dpop_bound_access_tokens: true })
  })

  test('the policy holds for what it says, as for what the client says', async () => {
    for (const claims of [
      { scope: 'read admin' },
      { grant_types: ['refresh_token'] },
      { token_endpoint_auth_method: 'none' },
      { may_introspect: true },
      { client_id: 'chosen' },
      { jwks_uri: 'https://10.0.0.1/' },
      { client_name: 17 },
      { require_signed_request_object: true },
    ]) {
      expect([claims, await refusal({ software_statement: await state(claims) })]).toEqual([claims, malformed])
    }
    const redirect = { redirect_uris: ['https://a.example/cb'] }
    expect(await refusal({ software_statement: await state(redirect) })).toEqual([400, 'invalid_redirect_uri'])
    const { publicJwk } = await newClientKey('ES256')
    const keys = { software_statement: await state({ jwks: { keys: [publicJwk] } }) }
    expect(await refusal({ ...keys, jwks_uri: 'https://keys.example.test/' })).toEqual(malformed)
  })

  test('every copy of the software registers with it, or as many as the policy says', async () => {
    const other = await createTenant(server)
    await allowRegistration(server, other, { ...policy, max_clients_per_statement: 2 })
    const issuer = await trustFor(other)
    const iat = seconds()
    const software_statement = await state({ iat }, {}, issuer)
    const answers = await Promise.all(Array.from({ length: 5 }, () => tryToRegister(other, { software_statement })))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2)
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(3)
    // Signed once more, it says the same: ES256 has many signatures of one text.
    expect(await refusal({ software_statement: await state({ iat }, {}, issuer) }, other)).toEqual([
      403,
      'invalid_request',
    ])
    const next = await state({ software_version: '2' }, {}, issuer)
    expect((await tryToRegister(other, { software_statement: next })).status).toBe(201)
  })

  describe('modes', () => {
    test('where it is required, nothing registers without one', async () => {
      for (const metadata of [{}, { software_statement: null }, { client_name: 'x' }]) {
        expect(await refusal(metadata)).toEqual(malformed)
      }
    })

    test.each(['open', 'initial_access_token'])('%s: verified where it is there', async (mode) => {
      const other = await createTenant(server)
      await allowRegistration(server, other, { ...policy, mode })
      const issuer = await trustFor(other)
      const token = () => (mode === 'open' ? undefined : initialAccessToken(server, other))
      const good = await state({ client_name: 'Robot' }, {}, issuer)
      const { answer } = await register(other, { client_name: 'x', software_statement: good }, await token())
      expect(answer.json).toMatchObject({ client_name: 'Robot', software_statement: good })
      expect((await tryToRegister(other, {}, await token())).status).toBe(201)
      expect(await refusal({ software_statement: `${good}x` }, other, await token())).toEqual(invalid)
      expect(await refusal({ software_statement: await state() }, other, await token())).toEqual(unapproved)
    })

    test('it is no initial access token, and a refused one uses none up', async () => {
      const other = await createTenant(server)
      await allowRegistration(server, other, { ...policy, mode: 'initial_access_token' })
      const software_statement = await state({}, {}, await trustFor(other))
      expect(await refusal({ software_statement }, other)).toEqual([401, 'invalid_token'])
      expect(await refusal({ software_statement }, other, software_statement)).toEqual([401, 'invalid_token'])
      const token = await initialAccessToken(server, other)
      expect(await refusal({ software_statement: await state() }, other, token)).toEqual(unapproved)
      expect((await tryToRegister(other, { software_statement }, token)).status).toBe(201)
    })

    test('off: not even with one', async () => {
      const other = await createTenant(server)
      const software_statement = await state({}, {}, await trustFor(other))
      expect((await tryToRegister(other, { software_statement })).status).toBe(404)
    })
  })

  test('the audit log names the trust that let the client in', async () => {
    const { id } = await registerBy()
    const target = `/auth-servers/${tenant.id}/clients/${id}`
    const { json } = await server.admin('GET', `/audit-log?target=${encodeURIComponent(target)}`)
    const actor = `urn:postern:trusted-issuer:${vendor.id}`
    expect(json.items).toEqual([expect.objectContaining({ actor, action: 'client.created' })])
  })

  describe('trust', () => {
    test('a trust for one purpose is none for another', async () => {
      const others = await trustFor(tenant, {
        trusted_for: ['assertions', 'subject_tokens'],
        subject: 'x',
        scopes: ['read'],
      })
      expect(await refusal({ software_statement: await state({}, {}, others) })).toEqual(unapproved)
      const client = await tenant.client({ grant_types: [jwtBearer, tokenExchange] })
      const assertion = await vendor.sign()
      const asked = await postForm(`${tenant.issuer}/token`, { grant_type: jwtBearer, assertion }, client)
      expect([asked.status, asked.json.error]).toEqual([400, 'invalid_grant'])
      const subject_token_type = 'urn:ietf:params:oauth:token-type:jwt'
      const form = { grant_type: tokenExchange, subject_token: await vendor.sign(), subject_token_type }
      expect((await postForm(`${tenant.issuer}/token`, form, client)).status).toBe(400)
    })

    test('is set up with a subject and scopes only where it needs them', async () => {
      const path = `/auth-servers/${tenant.id}/trusted-issuers/${vendor.id}`
      for (const purpose of ['assertions', 'subject_tokens']) {
        const change = { trusted_for: ['software_statements', purpose] }
        expect((await server.admin('PATCH', path, change)).status).toBe(400)
      }
    })

    test('ends when it is taken back, and says nothing at another auth server', async () => {
      const issuer = await trustFor(tenant)
      const software_statement = await state({}, {}, issuer)
      const path = `/auth-servers/${tenant.id}/trusted-issuers/${issuer.id}`
      expect((await tryToRegister(tenant, { software_statement })).status).toBe(201)
      await server.admin('PATCH', path, { enabled: false })
      expect(await refusal({ software_statement })).toEqual(unapproved)
      await server.admin('DELETE', path)
      expect(await refusal({ software_statement })).toEqual(unapproved)
      const other = await createTenant(server)
      await allowRegistration(server, other, policy)
      expect(await refusal({ software_statement: await state() }, other)).toEqual(unapproved)
    })

    test('holds under its condition', async () => {
      const issuer = await trustFor(tenant, { condition: 'subject_token.software_id.startsWith("robot")' })
      const by = (claims: object) => state(claims, {}, issuer)
      expect((await tryToRegister(tenant, { software_statement: await by({}) })).status).toBe(201)
      expect(await refusal({ software_statement: await by({ software_id: 'toy' }) })).toEqual(unapproved)
      const asking = await trustFor(tenant, { condition: 'subject_token.certified == true' })
      expect(await refusal({ software_statement: await state({}, {}, asking) })).toEqual(unapproved)
    })

    test('ends with the age of the statement, where it says so', async () => {
      const issuer = await trustFor(tenant, { max_statement_age: 3_600 })
      const by = (claims: object) => state(claims, {}, issuer)
      expect((await tryToRegister(tenant, { software_statement: await by({ iat: seconds() - 3_500 }) })).status).toBe(
        201,
      )
      expect(await refusal({ software_statement: await by({ iat: seconds() - 3_601 }) })).toEqual(invalid)
      expect(await refusal({ software_statement: await by({ iat: undefined }) })).toEqual(invalid)
      expect((await tryToRegister(tenant, { software_statement: await state({ iat: undefined }) })).status).toBe(201)
    })

    test('keys that cannot be had just now refuse nothing', async () => {
      const issuer = await trustFor(tenant, { jwks: undefined, jwks_uri: 'https://keys.invalid/jwks' })
      expect(await refusal({ software_statement: await state({}, {}, issuer) })).toEqual([
        503,
        'temporarily_unavailable',
      ])
    })
  })

  describe('refused', () => {
    const claims: [string, () => object][] = [
      ['without an issuer', () => ({ iss: undefined })],
      ['without a software_id', () => ({ software_id: undefined })],
      ['with a software_id that is none', () => ({ software_id: '' })],
      ['that has expired', () => ({ exp: seconds() })],
      ['whose expiry is no number', () => ({ exp: '2999-01-01' })],
      ['not valid yet', () => ({ nbf: seconds() + 60 })],
      ['issued in the future', () => ({ iat: seconds() + 60 })],
      ['issued at no time', () => ({ iat: 'now' })],
      ['for somebody else', () => ({ aud: 'https://other.example' })],
      ['for nobody', () => ({ aud: [] })],
      ['with another inside (nesting)', () => ({ software_statement: 'a.b.c' })],
      ['too deep', () => ({ deep: JSON.parse('['.repeat(30) + ']'.repeat(30)) })],
      ['oversized', () => ({ pad: 'x'.repeat(20_000) })],
    ]
    test.each(claims)('%s', async (_, claims) => {
      expect(await refusal({ software_statement: await state(claims()) })).toEqual(invalid)
    })

    test('but not where it says what holds', async () => {
      const times = { iat: seconds(), nbf: seconds(), exp: seconds() + 86_400 * 365 }
      const aud = ['https://other.example', tenant.issuer]
      expect((await registerBy({ ...times, aud, jti: 'j' })).answer.status).toBe(201)
    })

    test('what is no JWT', async () => {
      const good = await state()
      const texts = ['', 'x', 'a.b.c', '..', `${good}=`, ` ${good}`, good.slice(0, -4), 17, {}, [good], true]
      for (const software_statement of texts) {
        expect([software_statement, await refusal({ software_statement })]).toEqual([software_statement, invalid])
      }
    })

    const usual = () => ({ iss: vendor.issuer, software_id: 'robot', iat: seconds() })

    test('no signature (alg none)', async () => {
      const software_statement = new UnsecuredJWT(usual()).encode()
      expect(await refusal({ software_statement })).toEqual(invalid)
      const [, payload] = (await state()).split('.')
      const none = Buffer.from('{"alg":"none"}').toString('base64url')
      expect(await refusal({ software_statement: `${none}.${payload}.AAAA` })).toEqual(invalid)
    })

    test('the public key as a secret (algorithm confusion)', async () => {
      const texts = [JSON.stringify(vendor.key.publicJwk), String(vendor.key.publicJwk.x)]
      for (const text of texts) {
        const secret = new TextEncoder().encode(text.padEnd(64))
        const header = { alg: 'HS256', kid: String(vendor.key.publicJwk.kid) }
        expect(await refusal({ software_statement: await signClaims(usual(), secret, header) })).toEqual(invalid)
      }
    })

    test('an algorithm that the issuer is not trusted with', async () => {
      const key = await newClientKey('ES384')
      const issuer = await trustFor(tenant, { jwks: { keys: [key.publicJwk] }, algorithms: ['ES256'] })
      const claims = { ...usual(), iss: issuer.issuer }
      const software_statement = await signClaims(claims, key.privateKey, { alg: 'ES384' })
      expect(await refusal({ software_statement })).toEqual(invalid)
    })

    test('the key that it brings along (embedded jwk, jku, x5c)', async () => {
      const mine = await newClientKey('ES256')
      for (const more of [{ jwk: mine.publicJwk }, { jku: 'https://attacker.example/jwks' }, { x5c: ['AAAA'] }]) {
        const header = { alg: 'ES256', kid: String(mine.publicJwk.kid), ...more }
        const software_statement = await signClaims(usual(), mine.privateKey, header)
        expect(await refusal({ software_statement })).toEqual(invalid)
      }
      const sameKid = { alg: 'ES256', kid: String(vendor.key.publicJwk.kid) }
      expect(await refusal({ software_statement: await signClaims(usual(), mine.privateKey, sameKid) })).toEqual(
        invalid,
      )
    })

    test('the issuer of another, who is trusted as well (cross-issuer)', async () => {
      const another = await trustFor(tenant)
      const software_statement = await state({ iss: another.issuer })
      expect(await refusal({ software_statement })).toEqual(invalid)
      expect(await refusal({ software_statement: await state({ iss: 'https://other.example' }) })).toEqual(unapproved)
    })

    test('critical parameters that nobody here knows (crit)', async () => {
      const [, payload, signature] = (await state()).split('.')
      for (const header of [
        { alg: 'ES256', crit: ['x'], x: 1 },
        { alg: 'ES256', crit: [] },
        { alg: 'ES256', b64: false, crit: ['b64'] },
      ]) {
        const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
        expect(await refusal({ software_statement: `${encoded}.${payload}.${signature}` })).toEqual(invalid)
      }
    })

    test.each(['at+jwt', 'application/at+jwt', 'dpop+jwt', 'secevent+jwt', 'authorization-grant+jwt', 'JWS', 7])(
      'type %s: a JWT that was made for something else (type confusion)',
      async (typ) => {
        expect(await refusal({ software_statement: await state({}, { typ }) })).toEqual(invalid)
      },
    )

    test('an access token of ours, an assertion of the issuer (type confusion)', async () => {
      const token = await tenant.token(await tenant.client())
      expect(await refusal({ software_statement: token })).toEqual(invalid)
      const both = await trustFor(tenant, {
        trusted_for: ['assertions', 'subject_tokens', 'software_statements'],
        subject: 'x',
        scopes: ['read'],
      })
      expect(await refusal({ software_statement: await both.sign() })).toEqual(invalid)
    })

    test('a changed claim (tampering)', async () => {
      const [header, payload, signature] = (await state({ scope: 'read' })).split('.')
      const claims = JSON.parse(Buffer.from(String(payload), 'base64url').toString())
      const changed = Buffer.from(JSON.stringify({ ...claims, scope: 'read write' })).toString('base64url')
      expect(await refusal({ software_statement: `${header}.${changed}.${signature}` })).toEqual(invalid)
    })
  })

  describe('used for something else, it is refused', () => {
    /** All that an assertion needs, but it is a statement. */
    const disguised = () => ({ sub: 'alice', aud: tenant.issuer, jti: randomUUID(), exp: seconds() + 60 })

    test('as an assertion or a subject token, also of an issuer that is trusted for them', async () => {
      const both = await trustFor(tenant, {
        trusted_for: ['assertions', 'subject_tokens', 'software_statements'],
        subject: 'x',
        scopes: ['read'],
      })
      const client = await tenant.client({ grant_types: [jwtBearer, tokenExchange] })
      const subject_token_type = 'urn:ietf:params:oauth:token-type:jwt'
      const asked = (jwt: string) => [
        { grant_type: jwtBearer, assertion: jwt },
        { grant_type: tokenExchange, subject_token: jwt, subject_token_type },
      ]
      for (const form of asked(await state(disguised(), {}, both))) {
        expect((await postForm(`${tenant.issuer}/token`, form, client)).status).toBe(400)
      }
      const assertion = await both.sign(disguised())
      const granted = await postForm(`${tenant.issuer}/token`, { grant_type: jwtBearer, assertion }, client)
      expect(granted.status).toBe(200)
    })

    test('as a client assertion', async () => {
      const { id } = await registerBy()
      const client_assertion = await state({ ...disguised(), sub: id })
      const form = { grant_type: 'client_credentials', client_assertion, client_assertion_type: assertionType }
      const { status, json } = await postForm(`${tenant.issuer}/token`, form)
      expect([status, json.error]).toEqual([401, 'invalid_client'])
    })
  })

  describe('updates (RFC 7592)', () => {
    const fixed = { client_name: 'Robot', scope: 'read', dpop_bound_access_tokens: true }

    test('what a client reads can be sent back, also when the statement has expired', async () => {
      const client = await registerBy({ ...fixed, exp: seconds() + 600 }, { contacts: ['a@example.test'] })
      const read = await manage('GET', client)
      expect(read.json).toHaveProperty('software_statement', client.answer.json.software_statement)
      server.advance(700_000)
      const { status, json } = await manage('PUT', client, metadataOf(read))
      expect([status, json]).toEqual([200, read.json])
    })

    test('what the statement fixes stays, whatever the client says', async () => {
      const client = await registerBy(fixed)
      const { software_statement } = client.answer.json
      const tried = { software_statement, client_name: 'x', scope: 'read write', dpop_bound_access_tokens: null }
      const { status, json } = await update(client, { ...tried, software_id: 'y', contacts: ['b@example.test'] })
      expect(status).toBe(200)
      expect(json).toMatchObject({ ...fixed, software_id: 'robot', contacts: ['b@example.test'] })
    })

    test('the statement is neither left out nor taken back (security setting dropped)', async () => {
      const client = await registerBy(fixed)
      for (const change of [{}, { software_statement: null }, { dpop_bound_access_tokens: false }]) {
        const { status, json } = await update(client, change)
        expect([status, json.error]).toEqual(malformed)
        expect(json.error_description).toContain('software_statement')
      }
      expect((await manage('GET', client)).json).toMatchObject(fixed)
    })

    test('another statement of the issuer on the same software takes its place, and no other', async () => {
      const client = await registerBy(fixed)
      const another = await trustFor(tenant)
      const wrong: [string, string[] | (string | number)[]][] = [
        [await state({}, {}, another), malformed],
        [await state({ software_id: 'other' }), malformed],
        [await state({ exp: seconds() - 60 }), invalid],
        [await state({}, {}, await trustFor(await createTenant(server))), unapproved],
      ]
      for (const [software_statement, refused] of wrong) {
        const { status, json } = await update(client, { software_statement, dpop_bound_access_tokens: true })
        expect([status, json.error]).toEqual(refused)
      }
      const software_statement = await state({ ...fixed, scope: 'read write', software_version: '2' })
      const { json } = await update(client, { software_statement })
      expect(json).toMatchObject({ software_statement, scope: 'read write', software_version: '2' })
      expect((await manage('GET', client)).json).toEqual(json)
    })

    test('a protection that the next statement does not fix is not lost with it', async () => {
      const client = await registerBy(fixed)
      const software_statement = await state({ client_name: 'Robot' })
      expect((await update(client, { software_statement })).json.error).toBe('invalid_client_metadata')
      const { json } = await update(client, { software_statement, dpop_bound_access_tokens: true })
      expect(json).toMatchObject({ dpop_bound_access_tokens: true })
    })

    test('a client without one may come to have one', async () => {
      const other = await createTenant(server)
      await allowRegistration(server, other, { ...policy, mode: 'open' })
      const client = await register(other, { client_name: 'x' })
      const software_statement = await state(fixed, {}, await trustFor(other))
      expect((await update(client, { software_statement })).json).toMatchObject(fixed)
      expect((await update(client, {})).status).toBe(400)
    })

    test('what an administrator decided stays, and the client can go on updating', async () => {
      const stolen = { keys: [(await newClientKey('ES256')).publicJwk] }
      const jwks = { keys: [(await newClientKey('ES256')).publicJwk] }
      const client = await registerBy({ jwks: stolen, token_endpoint_auth_method: 'private_key_jwt', scope: 'read' })
      const decided = { jwks, token_endpoint_auth_methods: ['client_secret_basic'], name: 'Renamed' }
      const path = `/auth-servers/${tenant.id}/clients/${client.id}`
      expect((await server.admin('PATCH', path, decided)).status).toBe(200)
      const { software_statement } = client.answer.json
      const { status, json } = await update(client, { software_statement, contacts: ['c@example.test'] })
      expect([status, json.jwks, json.token_endpoint_auth_method]).toEqual([200, jwks, 'client_secret_basic'])
      expect((await server.admin('GET', path)).json).toMatchObject(decided)
    })

    test('nobody but the client has its statement looked at', async () => {
      const client = await registerBy(fixed)
      const change = { client_id: client.id, software_statement: 'x' }
      const { status } = await manage('PUT', { uri: client.uri, token: 'pst_registration_wrong' }, change)
      expect(status).toBe(401)
    })
  })

  test('reaches no log, and the reason of a refusal only the operator', async () => {
    const software_statement = await state({ software_id: 'unheard-of', iss: 'https://other.example' })
    const { json } = await tryToRegister(tenant, { software_statement })
    expect(json).toEqual({
      error: 'unapproved_software_statement',
      error_description: 'the software statement is not approved here',
    })
    expect(server.logs()).not.toContain(software_statement)
  })
})
