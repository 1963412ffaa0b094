import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { prefersSigned, signedIntrospection } from '../../src/tokens/signed-introspection.ts'
import { databases } from '../support/databases.ts'
import { postForm } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { type Tenant, useTenant } from '../support/tenant.ts'

describe('asking for a signed answer', () => {
  test.each([
    [signedIntrospection, true],
    [`application/json, ${signedIntrospection}`, true],
    [`${signedIntrospection};q=0.5, text/html`, true],
    ['Application/Token-Introspection+JWT', true],
    [`${signedIntrospection};q=0.5, application/json`, false],
    [`${signedIntrospection};q=0`, false],
    [`${signedIntrospection};q=x`, false],
    [`x-${signedIntrospection}`, false],
    ['application/json', false],
    ['*/*', false],
    [undefined, false],
  ])('%s: %s', (accept, signed) => expect(prefersSigned(accept)).toBe(signed))
})

describe.each(databases)('signed introspection (RFC 9701) on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })
  const ask = (client: Parameters<typeof postForm>[2], token: string, accept = signedIntrospection) =>
    postForm(`${tenant.issuer}/introspect`, { token }, client, { accept })

  test('is for this caller alone, verifies with the published keys, and says what JSON says', async () => {
    const client = await tenant.client()
    const token = await tenant.token(client)
    const answer = await ask(client, token)
    expect(answer.headers.get('content-type')).toBe(signedIntrospection)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { payload, protectedHeader } = await jwtVerify(
      answer.text,
      createRemoteJWKSet(new URL(`${tenant.issuer}/jwks`)),
      { issuer: tenant.issuer, audience: client.id, typ: 'token-introspection+jwt' },
    )
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'token-introspection+jwt', kid: expect.any(String) })
    expect(Object.keys(payload).sort()).toEqual(['aud', 'iat', 'iss', 'token_introspection'])
    expect(payload.token_introspection).toEqual((await ask(client, token, 'application/json')).json)
    expect(Math.abs(Number(payload.iat) * 1_000 - server.now())).toBeLessThan(5_000)
  })

  test('says no more of a token that the caller may not know than that it is not active', async () => {
    const token = await tenant.token(await tenant.client())
    const { text } = await ask(await tenant.client(), token)
    expect(decodeJwt(text).token_introspection).toEqual({ active: false })
  })

  test('is no access token, and no client assertion (cross-JWT confusion)', async () => {
    const client = await tenant.client()
    const { text } = await ask(client, await tenant.token(client))
    expect(decodeProtectedHeader(text).typ).toBe('token-introspection+jwt')
    expect((await tenant.introspect(client, text)).json).toEqual({ active: false })
    const admin = await fetch(`${server.origin}/admin/v1/organizations`, {
      headers: { authorization: `Bearer ${text}` },
    })
    expect(admin.status).toBe(401)
  })

  test('errors stay JSON', async () => {
    const answer = await ask({ id: 'nobody', secret: 'x' }, 'x')
    expect([answer.status, answer.json.error]).toEqual([401, 'invalid_client'])
  })

  test('is understood by oauth4webapi', async () => {
    const { id, secret } = await tenant.client()
    const as: oauth.AuthorizationServer = {
      issuer: tenant.issuer,
      introspection_endpoint: `${tenant.issuer}/introspect`,
      jwks_uri: `${tenant.issuer}/jwks`,
    }
    const client: oauth.Client = { client_id: id, introspection_signed_response_alg: 'ES256' }
    const insecure = { [oauth.allowInsecureRequests]: true }
    const token = await tenant.token({ id, secret })
    const response = await oauth.introspectionRequest(as, client, oauth.ClientSecretPost(secret), token, insecure)
    const answer = await oauth.processIntrospectionResponse(as, client, response)
    expect(answer).toMatchObject({ active: true, client_id: id })
    await oauth.validateApplicationLevelSignature(as, response, insecure)
  })
})
