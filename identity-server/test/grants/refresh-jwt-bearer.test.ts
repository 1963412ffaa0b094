/** Refresh tokens of the JWT bearer grant, by clients that others wrote; and the trust that they stand on. */
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { createForeignIssuer, type ForeignIssuer } from '../support/foreign-issuer.ts'
import { type Credentials, postForm } from '../support/http.ts'
import { refreshAt, tokensOf } from '../support/refreshing.ts'
import type { TestServer } from '../support/server.ts'
import { create, createTenant, type Tenant, useTenant } from '../support/tenant.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

describe.each(databases)('refreshing what an assertion began, on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })
  beforeAll(async () => {
    client = await tenant.client({ grant_types: [jwtBearer, 'refresh_token'] })
  })

  const begin = async (issuer: ForeignIssuer) => {
    const form = { grant_type: jwtBearer, assertion: await issuer.sign() }
    return tokensOf(await postForm(`${tenant.issuer}/token`, form, client))
  }
  const refresh = (token: string) => refreshAt(`${tenant.issuer}/token`, client, token)
  const trustPath = ({ id }: ForeignIssuer) => `/auth-servers/${tenant.id}/trusted-issuers/${id}`

  test('goes on for the same subject', async () => {
    const first = await begin(await createForeignIssuer(server, tenant))
    const { access } = tokensOf(await refresh(first.refresh))
    expect(decodeJwt(access)).toMatchObject({ sub: 'partner:alice', grant_id: decodeJwt(first.access).grant_id })
  })

  test.each([
    ['is disabled', { enabled: false }],
    ['is no longer trusted for assertions', { trusted_for: ['subject_tokens'] }],
    ['is no longer trusted for this client', { clients: ['somebody-else'] }],
  ])('ends where the issuer %s, as a new assertion would be refused', async (_, change) => {
    const issuer = await createForeignIssuer(server, tenant)
    const { refresh: token } = await begin(issuer)
    expect((await server.admin('PATCH', trustPath(issuer), change)).status).toBe(200)
    expect((await refresh(token)).json.error).toBe('invalid_grant')
  })

  test('ends where the issuer is deleted, and grants no scope that it is no longer trusted for', async () => {
    const issuer = await createForeignIssuer(server, tenant)
    const { refresh: token } = await begin(issuer)
    await server.admin('PATCH', trustPath(issuer), { scopes: ['read'] })
    const answer = await refresh(token)
    expect(answer.json.scope).toBe('read')
    await server.admin('DELETE', trustPath(issuer))
    expect((await refresh(tokensOf(answer).refresh)).json.error).toBe('invalid_grant')
  })

  test('claims are made of what the assertion said, at each refresh', async () => {
    const own = await createTenant(server)
    const by = await own.client({ grant_types: [jwtBearer, 'refresh_token'] })
    const issuer = await createForeignIssuer(server, own)
    const claim = (members: object) => create(server, `/auth-servers/${own.id}/claims`, members)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the claims engine
    await claim({ name: 'team', value: '${subject_token.team.name} by ${grant}' })
    await claim({ name: 'on_call', value: true, condition: '"on-call" in subject_token.groups' })
    const assertion = await issuer.sign({ team: { name: 'blue' }, groups: ['on-call'] })
    const url = `${own.issuer}/token`
    let { access, refresh: token } = tokensOf(await postForm(url, { grant_type: jwtBearer, assertion }, by))
    expect(decodeJwt(access)).toMatchObject({ team: `blue by ${jwtBearer}`, on_call: true })
    for (let use = 0; use < 2; use += 1) {
      ;({ access, refresh: token } = tokensOf(await refreshAt(url, by, token)))
      expect(decodeJwt(access)).toMatchObject({ team: 'blue by refresh_token', on_call: true })
    }
    // The next assertion is another one: what it says counts for its own grant alone.
    const other = await postForm(
      url,
      { grant_type: jwtBearer, assertion: await issuer.sign({ team: { name: 'red' }, groups: [] }) },
      by,
    )
    expect(decodeJwt(tokensOf(other).access)).not.toHaveProperty('on_call')
    expect(decodeJwt(tokensOf(await refreshAt(url, by, token)).access)).toMatchObject({ on_call: true })
  })

  test('openid-client refreshes', async () => {
    const { refresh: token } = await begin(await createForeignIssuer(server, tenant))
    const config = await openid.discovery(new URL(tenant.issuer), client.id, client.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    })
    const tokens = await openid.refreshTokenGrant(config, token, { scope: 'read' })
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'read', refresh_token: expect.any(String) })
    await openid.tokenRevocation(config, String(tokens.refresh_token))
    await expect(openid.refreshTokenGrant(config, String(tokens.refresh_token))).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('oauth4webapi refreshes', async () => {
    const { refresh: token } = await begin(await createForeignIssuer(server, tenant))
    const issuer = new URL(tenant.issuer)
    const insecure = { [oauth.allowInsecureRequests]: true }
    const discovery = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
    const as = await oauth.processDiscoveryResponse(issuer, discovery)
    const by = { client_id: client.id }
    const response = await oauth.refreshTokenGrantRequest(
      as,
      by,
      oauth.ClientSecretBasic(client.secret),
      token,
      insecure,
    )
    const tokens = await oauth.processRefreshTokenResponse(as, by, response)
    expect(tokens).toMatchObject({ token_type: 'bearer', refresh_token: expect.any(String) })
  })
})
