import { createRemoteJWKSet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { postForm } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { create, createTenant, newSecret, type Tenant, tenantAudience, useTenant } from '../support/tenant.ts'

describe.each(databases)('the token endpoint on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  test('issues an access token that verifies as RFC 9068 says', async () => {
    const client = await tenant.client()
    const answer = await tenant.tokenAnswer(client)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'read' })
    expect(Object.keys(answer.json).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type'])

    const token = String(answer.json.access_token)
    const jwks = createRemoteJWKSet(new URL(`${tenant.issuer}/jwks`))
    const { payload, protectedHeader } = await jwtVerify(token, jwks, {
      issuer: tenant.issuer,
      audience: tenantAudience,
      typ: 'at+jwt',
      algorithms: ['ES256'],
    })
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: tenant.issuer,
      sub: client.id,
      aud: tenantAudience,
      client_id: client.id,
      scope: 'read',
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 300,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(Math.abs((payload.iat ?? 0) * 1000 - server.now())).toBeLessThan(5_000)
  })

  test('forbids caches to keep the answer (RFC 6749 section 5.1)', async () => {
    const { headers } = await tenant.tokenAnswer(await tenant.client())
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('pragma')).toBe('no-cache')
    expect(headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('takes the secret from the body as well', async () => {
    const client = await tenant.client()
    const form = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret }
    const answer = await postForm(`${tenant.issuer}/token`, form)
    expect(answer.status).toBe(200)
  })

  test('grants the requested scopes, each once', async () => {
    const answer = await tenant.tokenAnswer(await tenant.client(), { scope: 'write read write' })
    expect(answer.json.scope).toBe('write read')
  })

  test('grants no scope where none is asked for and no default one is allowed', async () => {
    const answer = await tenant.tokenAnswer(await tenant.client({ scopes: ['write'] }))
    expect(answer.status).toBe(200)
    expect(answer.json).not.toHaveProperty('scope')
  })

  test('treats an empty scope parameter as an omitted one (RFC 6749 section 3.2)', async () => {
    const answer = await tenant.tokenAnswer(await tenant.client(), { scope: '' })
    expect(answer.json.scope).toBe('read')
  })

  test("prefers the client's audience and lifetime to the auth server's", async () => {
    const client = await tenant.client({ audience: 'https://other.example', access_token_lifetime: 60 })
    const answer = await tenant.tokenAnswer(client)
    expect(answer.json.expires_in).toBe(60)
    const introspection = await tenant.introspect(client, String(answer.json.access_token))
    expect(introspection.json).toMatchObject({ active: true, aud: 'https://other.example' })
    expect(Number(introspection.json.exp) - Number(introspection.json.iat)).toBe(60)
  })

  test('issues a different token each time', async () => {
    const client = await tenant.client()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => tenant.token(client)))
    expect(new Set(tokens).size).toBe(20)
  })

  test('keeps auth servers apart: a client of one is unknown to another', async () => {
    const other = await createTenant(server)
    const client = await tenant.client({ id: 'same-id' })
    await other.client({ id: 'same-id' })
    expect((await other.tokenAnswer(client)).json.error).toBe('invalid_client')
  })

  describe('follows each change of the admin API at once', () => {
    const path = (client: { id: string }) => `/auth-servers/${tenant.id}/clients/${client.id}`

    test('disabling and enabling a client', async () => {
      const client = await tenant.client()
      await tenant.token(client)
      await server.admin('PATCH', path(client), { enabled: false })
      expect((await tenant.tokenAnswer(client)).json.error).toBe('invalid_client')
      await server.admin('PATCH', path(client), { enabled: true })
      expect((await tenant.tokenAnswer(client)).status).toBe(200)
    })

    test('a new secret beside the old one, then the old one deleted', async () => {
      const old = await tenant.client()
      await tenant.token(old)
      const fresh = await newSecret(server, tenant.id, old.id)
      expect((await tenant.tokenAnswer(old)).status).toBe(200)
      expect((await tenant.tokenAnswer(fresh)).status).toBe(200)
      const { items } = (await server.admin('GET', `${path(old)}/secrets`)).json
      const first = Array.isArray(items) ? items.toSorted((a, b) => a.created_at.localeCompare(b.created_at))[0] : {}
      await server.admin('DELETE', `${path(old)}/secrets/${first.id}`)
      expect((await tenant.tokenAnswer(old)).json.error).toBe('invalid_client')
      expect((await tenant.tokenAnswer(fresh)).status).toBe(200)
    })

    test('an expiry of a secret, by the clock', async () => {
      const client = await tenant.client()
      const { id } = await create(server, `/auth-servers/${tenant.id}/clients`, { name: 'Expiring' })
      const created = await create(server, `/auth-servers/${tenant.id}/clients/${id}/secrets`, {
        name: 'short',
        expires_at: new Date(server.now() + 60_000).toISOString(),
      })
      const expiring = { id: String(id), secret: String(created.secret) }
      expect((await tenant.tokenAnswer(expiring)).status).toBe(200)
      server.advance(60_000)
      expect((await tenant.tokenAnswer(expiring)).json.error).toBe('invalid_client')
      expect((await tenant.tokenAnswer(client)).status).toBe(200)
      // Taken back, the expiry no longer holds.
      await server.admin('PATCH', `${path(expiring)}/secrets/${created.id}`, { expires_at: null })
      expect((await tenant.tokenAnswer(expiring)).status).toBe(200)
    })

    test('allowed scopes, grants and authentication methods', async () => {
      const client = await tenant.client()
      await tenant.token(client, { scope: 'write' })
      await server.admin('PATCH', path(client), { scopes: ['read'] })
      expect((await tenant.tokenAnswer(client, { scope: 'write' })).json.error).toBe('invalid_scope')
      await server.admin('PATCH', path(client), { token_endpoint_auth_methods: ['client_secret_post'] })
      expect((await tenant.tokenAnswer(client)).json.error).toBe('invalid_client')
      await server.admin('PATCH', path(client), { token_endpoint_auth_methods: ['client_secret_basic'] })
      await server.admin('PATCH', path(client), { grant_types: [] })
      expect((await tenant.tokenAnswer(client)).json.error).toBe('unauthorized_client')
    })

    test('a deleted scope, default scopes, lifetime and audience of the auth server', async () => {
      const other = await createTenant(server)
      const client = await other.client()
      await other.token(client, { scope: 'write' })
      await server.admin('DELETE', `/auth-servers/${other.id}/scopes/write`)
      expect((await other.tokenAnswer(client, { scope: 'write' })).json.error).toBe('invalid_scope')
      await server.admin('PATCH', `/auth-servers/${other.id}/scopes/read`, { is_default: false })
      expect((await other.tokenAnswer(client)).json).not.toHaveProperty('scope')
      await server.admin('PATCH', `/auth-servers/${other.id}`, { access_token_lifetime: 7, audience: 'urn:new' })
      const answer = await other.tokenAnswer(client)
      expect(answer.json.expires_in).toBe(7)
      expect((await other.introspect(client, String(answer.json.access_token))).json.aud).toBe('urn:new')
    })

    test('a deleted client', async () => {
      const client = await tenant.client()
      await tenant.token(client)
      await server.admin('DELETE', path(client))
      expect((await tenant.tokenAnswer(client)).json.error).toBe('invalid_client')
    })

    test('a deleted auth server: all of its endpoints are gone', async () => {
      const doomed = await createTenant(server)
      const client = await doomed.client({ may_introspect: true })
      const token = await doomed.token(client)
      expect((await server.admin('DELETE', `/auth-servers/${doomed.id}`)).status).toBe(204)
      expect((await doomed.tokenAnswer(client)).status).toBe(404)
      expect((await doomed.introspect(client, token)).status).toBe(404)
      expect((await doomed.revoke(client, token)).status).toBe(404)
      expect((await fetch(`${doomed.issuer}/jwks`)).status).toBe(404)
      expect((await fetch(`${doomed.issuer}/.well-known/openid-configuration`)).status).toBe(404)
    })
  })
})
