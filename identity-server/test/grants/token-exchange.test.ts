import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt } from 'jose'
import * as openid from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { createForeignIssuer, type ForeignIssuer } from '../support/foreign-issuer.ts'
import { type Answer, type Credentials, outcome, postForm } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange'
const type = (name: string) => `urn:ietf:params:oauth:token-type:${name}`
const accessToken = type('access_token')
const unacceptable = [400, 'invalid_request']

describe.each(databases)('token exchange (RFC 8693) on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  /** Calls the API `urn:front`, which exchanges what it receives for tokens for `urn:back`. */
  let caller: Credentials
  let api: Credentials
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })
  const middle = (token_exchange: object, more: object = {}) =>
    tenant.client({ grant_types: [grant_type], resources: ['urn:back', 'urn:other'], token_exchange, ...more })
  beforeAll(async () => {
    caller = await tenant.client({ audience: 'urn:front' })
    api = await middle({ delegation: 'any', audiences: ['urn:front'] })
  })

  const exchange = async (subject: string, form: Record<string, string> = {}, by = api) =>
    postForm(
      `${tenant.issuer}/token`,
      { grant_type, subject_token: subject, subject_token_type: accessToken, audience: 'urn:back', ...form },
      by,
    )
  const claimsOf = ({ json, text }: Answer) => {
    if (json.access_token === undefined) throw new Error(text)
    return decodeJwt(String(json.access_token))
  }

  test('gives a token for another audience that tells who acts for whom', async () => {
    const subject = await tenant.token(caller, { scope: 'read write' })
    const answer = await exchange(subject)
    expect(answer.json).toMatchObject({ issued_token_type: accessToken, token_type: 'Bearer', scope: 'read write' })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(claimsOf(answer)).toMatchObject({
      sub: caller.id,
      client_id: api.id,
      aud: 'urn:back',
      act: { sub: api.id, iss: tenant.issuer, client_id: api.id },
    })
    // The new one is no better than the first: introspection knows it, with its actor.
    expect((await tenant.introspect(api, String(answer.json.access_token))).json).toMatchObject({
      active: true,
      act: { sub: api.id },
    })
  })

  test('keeps those who acted before, the last one outermost, up to eight', async () => {
    const next = await middle({ delegation: 'any', audiences: ['urn:back'] })
    const first = await exchange(await tenant.token(caller))
    const second = await exchange(String(first.json.access_token), { audience: 'urn:other' }, next)
    expect(claimsOf(second).act).toMatchObject({ sub: next.id, act: { sub: api.id } })
    let token = await tenant.token(caller)
    const loop = await middle({ delegation: 'any', audiences: ['urn:front', 'urn:back'] })
    for (let step = 0; step < 8; step++) token = String((await exchange(token, {}, loop)).json.access_token)
    expect(outcome(await exchange(token, {}, loop))).toEqual([400, 'invalid_grant'])
  })

  test('takes the subject of the actor token for the actor', async () => {
    const actor = await tenant.client({ audience: 'urn:front' })
    const form = { actor_token: await tenant.token(actor), actor_token_type: accessToken }
    const claims = claimsOf(await exchange(await tenant.token(caller), form))
    expect(claims.act).toEqual({ sub: actor.id, iss: tenant.issuer, client_id: actor.id })
  })

  test('lets a client impersonate only where it may, and then tells of no actor', async () => {
    const impersonator = await middle({ impersonation: true, audiences: ['urn:front'] })
    expect(claimsOf(await exchange(await tenant.token(caller), {}, impersonator))).not.toHaveProperty('act')
    const nobody = await middle({ audiences: ['urn:front'] })
    expect(outcome(await exchange(await tenant.token(caller), {}, nobody))).toEqual([400, 'unauthorized_client'])
    // What an earlier exchange told is not forgotten by an impersonation.
    const next = await middle({ impersonation: true, audiences: ['urn:back'] })
    const delegated = String((await exchange(await tenant.token(caller))).json.access_token)
    expect(claimsOf(await exchange(delegated, { audience: 'urn:other' }, next)).act).toMatchObject({ sub: api.id })
  })

  describe('may_act, which only trusted issuers write so far', () => {
    let partner: ForeignIssuer
    beforeAll(async () => {
      partner = await createForeignIssuer(server, tenant)
    })
    const foreign = (claims: object, by: Credentials, form: Record<string, string> = {}) =>
      partner.sign({ ...claims }).then((token) => exchange(token, { subject_token_type: type('jwt'), ...form }, by))

    test('gates the exchange, whatever else the client may', async () => {
      const careful = await middle({ delegation: 'may_act' })
      const bold = await middle({ delegation: 'any', impersonation: true })
      expect(outcome(await foreign({}, careful))).toEqual([400, 'invalid_grant'])
      expect(claimsOf(await foreign({ may_act: { client_id: careful.id } }, careful)).act).toMatchObject({
        sub: careful.id,
      })
      for (const may_act of [{ sub: 'other' }, {}, 'x', { client_id: careful.id, sub: 'x' }, { group: 'all' }, null]) {
        expect(outcome(await foreign({ may_act }, careful))).toEqual([400, 'invalid_grant'])
        expect(outcome(await foreign({ may_act }, bold))).toEqual([400, 'invalid_grant'])
      }
      // Named, the client that could impersonate is still seen to act.
      expect(claimsOf(await foreign({ may_act: { client_id: bold.id } }, bold)).act).toMatchObject({ sub: bold.id })
    })

    test('names the actor of the actor token', async () => {
      const careful = await middle({ delegation: 'may_act', audiences: ['urn:front'] })
      const actor = await tenant.client({ audience: 'urn:front' })
      const form = { actor_token: await tenant.token(actor), actor_token_type: accessToken }
      expect(claimsOf(await foreign({ may_act: { sub: actor.id } }, careful, form)).act).toMatchObject({
        sub: actor.id,
      })
      expect(outcome(await foreign({ may_act: { sub: careful.id } }, careful, form))).toEqual([400, 'invalid_grant'])
    })
  })

  test('takes tokens of trusted issuers for the mapped subject, with the scopes they are trusted for', async () => {
    const partner = await createForeignIssuer(server, tenant, { scopes: ['read'], audiences: ['urn:partner-api'] })
    const token = await partner.sign({ aud: ['urn:partner-api', 'urn:x'], scope: 'admin write', act: { sub: 'robot' } })
    for (const [name, status] of [
      ['jwt', 200],
      ['id_token', 200],
      ['access_token', 200],
      ['saml2', 400],
      ['refresh_token', 400],
    ] as const) {
      expect((await exchange(token, { subject_token_type: type(name) })).status).toBe(status)
    }
    const claims = claimsOf(await exchange(token, { subject_token_type: type('jwt') }))
    expect(claims).toMatchObject({ sub: 'partner:alice', scope: 'read', act: { sub: api.id, act: { sub: 'robot' } } })
    const wrong = [{ aud: 'urn:x' }, { aud: tenant.issuer }, { iss: 'https://other.example' }, { act: 'robot' }]
    for (const more of wrong) {
      const jwt = await partner.sign({ aud: 'urn:partner-api', ...more })
      expect((await exchange(jwt, { subject_token_type: type('jwt') })).status).toBe(400)
    }
    for (const typ of ['dpop+jwt', 'secevent+jwt', 'logout+jwt']) {
      const jwt = await partner.sign({ aud: 'urn:partner-api' }, { typ })
      expect(outcome(await exchange(jwt, { subject_token_type: type('jwt') }))).toEqual(unacceptable)
    }
  })

  test('never widens scopes, targets or authorization (an exchange that skips what binds others, GHSA-7qjx-gp9h-65qj)', async () => {
    const subject = await tenant.token(caller, { scope: 'read' })
    expect(claimsOf(await exchange(subject)).scope).toBe('read')
    expect(outcome(await exchange(subject, { scope: 'write' }))).toEqual([400, 'invalid_scope'])
    const noScope = await tenant.client({ audience: 'urn:front', scopes: [] })
    expect(claimsOf(await exchange(await tenant.token(noScope)))).not.toHaveProperty('scope')
    const poor = await middle({ delegation: 'any', audiences: ['urn:front'] }, { scopes: ['write'] })
    expect(claimsOf(await exchange(subject, {}, poor))).not.toHaveProperty('scope')
  })

  test('for a target that the client may not have is refused (CVE-2022-1245)', async () => {
    const subject = await tenant.token(caller)
    const other = await tenant.client()
    for (const audience of ['urn:forbidden', other.id, '*', 'urn:back ']) {
      expect(outcome(await exchange(subject, { audience }))).toEqual([400, 'invalid_target'])
    }
    expect(outcome(await exchange(subject, { resource: 'urn:forbidden' }))).toEqual([400, 'invalid_target'])
    const several = `grant_type=${grant_type}&subject_token=${subject}&subject_token_type=${accessToken}`
    const many = await postForm(`${tenant.issuer}/token`, `${several}&audience=urn:back&resource=urn:other`, api)
    expect(claimsOf(many).aud).toEqual(['urn:other', 'urn:back'])
  })

  test('of a token that is not meant for the client is refused: stolen tokens are of no use to it', async () => {
    const elsewhere = await tenant.client({ audience: 'urn:elsewhere' })
    expect(outcome(await exchange(await tenant.token(elsewhere)))).toEqual(unacceptable)
    const form = { actor_token: await tenant.token(elsewhere), actor_token_type: accessToken }
    expect(outcome(await exchange(await tenant.token(caller), form))).toEqual(unacceptable)
    // Its own, it may exchange.
    const self = await middle({ delegation: 'any' }, { grant_types: [grant_type, 'client_credentials'] })
    expect(claimsOf(await exchange(await tenant.token(self), {}, self)).sub).toBe(self.id)
  })

  test('of a revoked token, of a disabled or revoked client or subject is refused', async () => {
    const revoke = async (end: (client: Credentials, token: string) => Promise<unknown>) => {
      const client = await tenant.client({ audience: 'urn:front' })
      const token = await tenant.token(client)
      expect((await exchange(token)).status).toBe(200)
      await end(client, token)
      return outcome(await exchange(token))
    }
    const path = `/auth-servers/${tenant.id}`
    expect(await revoke((client, token) => tenant.revoke(client, token))).toEqual(unacceptable)
    expect(await revoke(({ id }) => server.admin('PATCH', `${path}/clients/${id}`, { enabled: false }))).toEqual(
      unacceptable,
    )
    for (const kind of ['client', 'subject']) {
      expect(await revoke(({ id }) => server.admin('POST', `${path}/revocations`, { kind, value: id }))).toEqual(
        unacceptable,
      )
    }
  })

  test('of tokens of another auth server is refused, though the same server issued them', async () => {
    const other = await createTenant(server)
    const stranger = await other.client({ audience: 'urn:front' })
    expect(outcome(await exchange(await other.token(stranger)))).toEqual(unacceptable)
  })

  test('works with opaque tokens, and gives JWTs where they are asked for', async () => {
    const opaque = await tenant.client({ audience: 'urn:front', access_token_format: 'opaque' })
    const quiet = await middle({ delegation: 'any', audiences: ['urn:front'] }, { access_token_format: 'opaque' })
    const answer = await exchange(await tenant.token(opaque), {}, quiet)
    expect(answer.json).toMatchObject({
      issued_token_type: accessToken,
      access_token: expect.stringMatching(/^pst_at_/),
    })
    const jwt = await exchange(await tenant.token(opaque), { requested_token_type: type('jwt') }, quiet)
    expect(jwt.json.issued_token_type).toBe(type('jwt'))
    expect(claimsOf(jwt).sub).toBe(opaque.id)
    for (const name of ['refresh_token', 'id_token', 'saml2']) {
      const refused = await exchange(await tenant.token(opaque), { requested_token_type: type(name) }, quiet)
      expect(outcome(refused)).toEqual(unacceptable)
    }
  })

  test('of a token that is bound to a key needs the proof, or a client that receives such tokens', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    expect(publicKey.type).toBe('public')
    const config = await openid.discovery(new URL(tenant.issuer), caller.id, caller.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    })
    const [own, another] = [await openid.randomDPoPKeyPair('ES256'), await openid.randomDPoPKeyPair('ES256')]
    const handle = openid.getDPoPHandle(config, own)
    const bound = (await openid.clientCredentialsGrant(config, {}, { DPoP: handle })).access_token
    expect(outcome(await exchange(bound))).toEqual(unacceptable)
    const apiConfig = await openid.discovery(new URL(tenant.issuer), api.id, api.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    })
    const parameters = { subject_token: bound, subject_token_type: accessToken, audience: 'urn:back' }
    const attempt = (key: openid.CryptoKeyPair) =>
      openid.genericGrantRequest(apiConfig, grant_type, parameters, { DPoP: openid.getDPoPHandle(apiConfig, key) })
    await expect(attempt(another)).rejects.toMatchObject({ error: 'invalid_request' })
    expect(await attempt(own)).toMatchObject({ token_type: 'dpop' })
    const receiver = await middle({ delegation: 'any', audiences: ['urn:front'], bound_tokens: true })
    expect((await exchange(bound, {}, receiver)).status).toBe(200)
    // Bound by an issuer elsewhere: nobody here can tell.
    const partner = await createForeignIssuer(server, tenant)
    const foreign = await partner.sign({ cnf: { jkt: 'A'.repeat(43) } })
    expect(outcome(await exchange(foreign, { subject_token_type: type('jwt') }))).toEqual(unacceptable)
  })

  test.each([
    ['without a subject token', { subject_token: '' }],
    ['without its type', { subject_token_type: '' }],
    ['with an actor token without type', { actor_token: 'x' }],
    ['with a type without actor token', { actor_token_type: accessToken }],
    ['with an actor token that is none', { actor_token: 'x', actor_token_type: accessToken }],
    ['with a subject token that is none', { subject_token: 'x' }],
  ])('is refused %s', async (_, form) => {
    expect(outcome(await exchange(await tenant.token(caller), form))).toEqual(unacceptable)
  })

  test('gives no refresh token, and needs client authentication and the grant', async () => {
    const eager = await middle(
      { delegation: 'any', audiences: ['urn:front'] },
      { grant_types: [grant_type, 'refresh_token'] },
    )
    const subject = await tenant.token(caller)
    expect((await exchange(subject, {}, eager)).json).not.toHaveProperty('refresh_token')
    expect(outcome(await exchange(subject, {}, caller))).toEqual([400, 'unauthorized_client'])
    const form = { grant_type, subject_token: subject, subject_token_type: accessToken }
    expect(outcome(await postForm(`${tenant.issuer}/token`, form))).toEqual([401, 'invalid_client'])
  })

  // Last, since it moves the clock away from that of the clients.
  test('never outlives the tokens that it stands on', async () => {
    const short = await tenant.client({ audience: 'urn:front', access_token_lifetime: 100 })
    const subject = await tenant.token(short)
    server.advance(40_000)
    const answer = await exchange(subject)
    expect(claimsOf(answer).exp).toBe(decodeJwt(subject).exp)
    expect(Number(answer.json.expires_in)).toBeLessThanOrEqual(60)
    const form = { actor_token: subject, actor_token_type: accessToken }
    expect(claimsOf(await exchange(await tenant.token(caller), form)).exp).toBe(decodeJwt(subject).exp)
    server.advance(60_000)
    expect(outcome(await exchange(subject))).toEqual(unacceptable)
  })
})
