import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { basic, type Credentials, postForm, postJson } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, tenantAudience, useTenant } from '../support/tenant.ts'

const inactive = '{"active":false}'

describe.each(databases)('introspection and revocation on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  describe('introspection (RFC 7662)', () => {
    test('tells a client about its own token', async () => {
      const client = await tenant.client()
      const answer = await tenant.introspect(client, await tenant.token(client))
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({
        active: true,
        token_type: 'Bearer',
        iss: tenant.issuer,
        sub: client.id,
        aud: tenantAudience,
        client_id: client.id,
        scope: 'read',
        iat: expect.any(Number),
        exp: Number(answer.json.iat) + 300,
        jti: expect.any(String),
      })
      expect(answer.headers.get('cache-control')).toBe('no-store')
    })

    test("says inactive about another client's token, unless the caller may introspect", async () => {
      const client = await tenant.client()
      const token = await tenant.token(client)
      expect((await tenant.introspect(await tenant.client(), token)).text).toBe(inactive)
      const answer = await tenant.introspect(await tenant.client({ may_introspect: true }), token)
      expect(answer.json).toMatchObject({ active: true, client_id: client.id })
    })

    test('takes the secret and a token_type_hint from the body', async () => {
      const client = await tenant.client()
      const token = await tenant.token(client)
      const form = { token, token_type_hint: 'refresh_token', client_id: client.id, client_secret: client.secret }
      expect((await postForm(`${tenant.issuer}/introspect`, form)).json.active).toBe(true)
    })

    test('says inactive once the clock reaches the expiry', async () => {
      const client = await tenant.client({ access_token_lifetime: 10 })
      const token = await tenant.token(client)
      const { exp } = (await tenant.introspect(client, token)).json
      server.advance(Number(exp) * 1000 - server.now() - 500)
      expect((await tenant.introspect(client, token)).json.active).toBe(true)
      server.advance(500)
      expect((await tenant.introspect(client, token)).text).toBe(inactive)
    })

    test("says inactive about a disabled or deleted client's token, at once", async () => {
      const reader = await tenant.client({ may_introspect: true })
      const client = await tenant.client()
      const token = await tenant.token(client)
      const path = `/auth-servers/${tenant.id}/clients/${client.id}`
      expect((await tenant.introspect(reader, token)).json.active).toBe(true)
      await server.admin('PATCH', path, { enabled: false })
      expect((await tenant.introspect(reader, token)).text).toBe(inactive)
      await server.admin('PATCH', path, { enabled: true })
      // Whatever was issued by then has ended for good.
      expect((await tenant.introspect(reader, token)).text).toBe(inactive)
      server.advance(3_000)
      const another = await tenant.token(client)
      expect((await tenant.introspect(reader, another)).json.active).toBe(true)
      await server.admin('DELETE', path)
      expect((await tenant.introspect(reader, another)).text).toBe(inactive)
    })

    test('says inactive about a token of another auth server of this server', async () => {
      const other = await createTenant(server)
      const reader = { id: 'reader', may_introspect: true }
      const [here, there] = [await tenant.client(reader), await other.client(reader)]
      const token = await other.token(there)
      expect((await tenant.introspect(here, token)).text).toBe(inactive)
      expect((await other.introspect(there, token)).json.active).toBe(true)
    })

    test('stops telling a client that may no longer introspect', async () => {
      const reader = await tenant.client({ may_introspect: true })
      const token = await tenant.token(await tenant.client())
      expect((await tenant.introspect(reader, token)).json.active).toBe(true)
      await server.admin('PATCH', `/auth-servers/${tenant.id}/clients/${reader.id}`, { may_introspect: false })
      expect((await tenant.introspect(reader, token)).text).toBe(inactive)
    })
  })

  describe('revocation (RFC 7009)', () => {
    test('ends a token, for every reader and at once, and no other token', async () => {
      const client = await tenant.client()
      const reader = await tenant.client({ may_introspect: true })
      const [token, other] = [await tenant.token(client), await tenant.token(client)]
      expect((await tenant.introspect(client, token)).json.active).toBe(true)
      const answer = await tenant.revoke(client, token)
      expect([answer.status, answer.text]).toEqual([200, ''])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect((await tenant.introspect(client, token)).text).toBe(inactive)
      expect((await tenant.introspect(reader, token)).text).toBe(inactive)
      expect((await tenant.introspect(client, other)).json.active).toBe(true)
    })

    test('may be repeated, also many times at once', async () => {
      const client = await tenant.client()
      const token = await tenant.token(client)
      const answers = await Promise.all(Array.from({ length: 10 }, () => tenant.revoke(client, token)))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect((await tenant.revoke(client, token)).status).toBe(200)
      expect((await tenant.introspect(client, token)).text).toBe(inactive)
    })

    test.each(['refresh_token', 'access_token', 'of-a-later-specification', ''])(
      'ends a token whatever the hint says: %j (section 2.1)',
      async (token_type_hint) => {
        const client = await tenant.client()
        const token = await tenant.token(client)
        expect((await postForm(`${tenant.issuer}/revoke`, { token, token_type_hint }, client)).status).toBe(200)
        expect((await tenant.introspect(client, token)).text).toBe(inactive)
      },
    )

    test("refuses another client's token, whoever asks, and leaves it alone", async () => {
      const client = await tenant.client()
      const token = await tenant.token(client)
      const answer = await tenant.revoke(await tenant.client({ may_introspect: true }), token)
      expect([answer.status, answer.json.error]).toEqual([400, 'unauthorized_client'])
      expect((await tenant.introspect(client, token)).json.active).toBe(true)
    })

    test('takes an expired token for revoked already', async () => {
      const client = await tenant.client({ access_token_lifetime: 1 })
      const token = await tenant.token(client)
      server.advance(1_000)
      expect((await tenant.revoke(client, token)).status).toBe(200)
    })

    test('does not outlive its auth server: a new one of the same id starts afresh', async () => {
      const first = await createTenant(server, { id: 'phoenix' })
      const client = await first.client({ id: 'reader', may_introspect: true })
      await first.revoke(client, await first.token(client))
      const poll = async (from: Tenant, by: Credentials) => {
        const answer = await postJson(`${from.issuer}/events/poll`, { returnImmediately: true }, basic(by))
        return Object.keys(Object(answer.json.sets))
      }
      expect(await poll(first, client)).toHaveLength(1)
      await server.admin('DELETE', '/auth-servers/phoenix')
      const second = await createTenant(server, { id: 'phoenix' })
      const again = await second.client({ id: 'reader', may_introspect: true })
      expect(await poll(second, again)).toEqual([])
      const token = await second.token(again)
      expect((await second.introspect(again, token)).json.active).toBe(true)
      await second.revoke(again, token)
      expect((await second.introspect(again, token)).text).toBe(inactive)
    })
  })
})
