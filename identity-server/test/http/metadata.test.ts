import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { send } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('metadata and real clients on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  test('is the same at both well-known locations, and names the issuer exactly', async () => {
    const discovery = await send(`${tenant.issuer}/.well-known/openid-configuration`)
    const rfc8414 = await send(`${server.origin}/.well-known/oauth-authorization-server/${tenant.id}`)
    expect(discovery.status).toBe(200)
    expect(rfc8414.json).toEqual(discovery.json)
    expect(discovery.json).toMatchObject({
      issuer: tenant.issuer,
      token_endpoint: `${tenant.issuer}/token`,
      introspection_endpoint: `${tenant.issuer}/introspect`,
      revocation_endpoint: `${tenant.issuer}/revoke`,
      jwks_uri: `${tenant.issuer}/jwks`,
      grant_types_supported: expect.arrayContaining(['client_credentials']),
      token_endpoint_auth_methods_supported: expect.arrayContaining([
        'client_secret_basic',
        'client_secret_post',
        'none',
      ]),
      introspection_endpoint_auth_methods_supported: expect.not.arrayContaining(['none']),
      scopes_supported: ['read'],
      postern_revocation_feed_endpoint: `${tenant.issuer}/events/poll`,
    })
    for (const { headers } of [discovery, rfc8414]) {
      expect(headers.get('content-type')).toMatch(/^application\/json/)
      expect(headers.get('cache-control')).toMatch(/^public, max-age=300/)
    }
  })

  test('is 404 for an unknown auth server', async () => {
    for (const path of [
      '/no/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/no',
      '/no/jwks',
    ]) {
      expect((await send(server.origin + path)).status).toBe(404)
    }
  })

  test('publishes public keys only, to be cached', async () => {
    const { json, headers } = await send(`${tenant.issuer}/jwks`)
    expect(json).toEqual({
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          alg: 'ES256',
          use: 'sig',
          kid: expect.any(String),
          x: expect.any(String),
          y: expect.any(String),
        },
      ],
    })
    expect(headers.get('content-type')).toMatch(/^application\/jwk-set\+json/)
    expect(headers.get('cache-control')).toBe('public, max-age=300, stale-if-error=86400')
  })

  test('gives each auth server keys of its own', async () => {
    const other = await createTenant(server)
    const [here, there] = await Promise.all([send(`${tenant.issuer}/jwks`), send(`${other.issuer}/jwks`)])
    expect(here.text).not.toBe(there.text)
  })

  const methods = [
    ['client_secret_basic', oauth.ClientSecretBasic, openid.ClientSecretBasic],
    ['client_secret_post', oauth.ClientSecretPost, openid.ClientSecretPost],
  ] as const

  describe.each(methods)('with %s', (_method, oauthAuthentication, openidAuthentication) => {
    test('oauth4webapi discovers, gets a token, introspects and revokes', async () => {
      const { id, secret } = await tenant.client()
      const client = { client_id: id }
      const insecure = { [oauth.allowInsecureRequests]: true }
      const issuer = new URL(tenant.issuer)
      for (const algorithm of ['oidc', 'oauth2'] as const) {
        const found = await oauth.discoveryRequest(issuer, { algorithm, ...insecure })
        const as = await oauth.processDiscoveryResponse(issuer, found)
        const authentication = oauthAuthentication(secret)

        const parameters = new URLSearchParams({ scope: 'read write' })
        const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, insecure)
        const token = await oauth.processClientCredentialsResponse(as, client, response)
        expect(token).toMatchObject({ token_type: 'bearer', scope: 'read write', expires_in: 300 })

        const introspect = async () => {
          const answer = await oauth.introspectionRequest(as, client, authentication, token.access_token, insecure)
          return oauth.processIntrospectionResponse(as, client, answer)
        }
        expect(await introspect()).toMatchObject({ active: true, client_id: id })
        const revocation = await oauth.revocationRequest(as, client, authentication, token.access_token, insecure)
        expect(await oauth.processRevocationResponse(revocation)).toBeUndefined()
        expect(await introspect()).toEqual({ active: false })
      }
    })

    test('openid-client discovers, gets a token, introspects and revokes', async () => {
      const { id, secret } = await tenant.client()
      for (const algorithm of ['oidc', 'oauth2'] as const) {
        const issuer = new URL(tenant.issuer)
        const config = await openid.discovery(issuer, id, undefined, openidAuthentication(secret), {
          algorithm,
          execute: [openid.allowInsecureRequests],
        })
        const { access_token } = await openid.clientCredentialsGrant(config, { scope: 'write' })
        expect(await openid.tokenIntrospection(config, access_token)).toMatchObject({ active: true, scope: 'write' })
        await openid.tokenRevocation(config, access_token)
        expect(await openid.tokenIntrospection(config, access_token)).toEqual({ active: false })
      }
    })
  })
})
