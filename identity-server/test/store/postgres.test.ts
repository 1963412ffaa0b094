/** PostgreSQL that goes away and comes back: refusals in time, then recovery by itself. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresOnly, type Store } from '../support/databases.ts'
import { send } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant } from '../support/tenant.ts'

describe.each(postgresOnly)('when $kind goes away', ({ start }) => {
  let store: Store
  let server: TestServer
  let other: TestServer

  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store)
    const environment = { POSTERN_PUBLIC_ORIGIN: server.origin }
    other = await startTestServer(store, { variables: server.variables, environment })
  })
  afterAll(async () => {
    await Promise.all([server?.close(), other?.close()])
    await store?.stop()
  })

  test('what needs it answers 503 with Retry-After, and recovers without a restart, notifications included', async () => {
    const tenant = await createTenant(server)
    const client = await tenant.client()
    const token = await tenant.token(client)
    const there = tenant.issuer.replace(server.origin, other.address)
    const { form, headers } = request(client, token)

    await store.postgres?.crash()
    try {
      // What is in memory serves on; what is not cannot be known.
      expect((await tenant.tokenAnswer(client)).status).toBe(200)
      const unknown = await send(`${tenant.issuer}/token`, { ...form('grant_type=client_credentials', 'not-cached') })
      expect([unknown.status, unknown.json.error]).toEqual([503, 'temporarily_unavailable'])
      expect(unknown.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(unknown.headers.get('cache-control')).toBe('no-store')
      // A revocation that was not stored is not acknowledged.
      expect((await tenant.revoke(client, token)).status).toBe(503)
      const organizations = await send(`${server.origin}/admin/v1/organizations`, {
        headers: { authorization: `Bearer ${await server.adminToken()}` },
      })
      expect([organizations.status, organizations.json.code]).toEqual([503, 'temporarily_unavailable'])
      expect(organizations.headers.get('retry-after')).toMatch(/^\d+$/)
      expect((await send(`${server.operations}/readyz`)).status).toBe(503)
      expect((await send(`${server.operations}/healthz`)).status).toBe(200)
    } finally {
      await store.postgres?.restart()
    }

    const deadline = Date.now() + 5_000
    while ((await tenant.revoke(client, token)).status !== 200) {
      expect(Date.now()).toBeLessThan(deadline)
      await delay(50)
    }
    expect((await tenant.introspect(client, token)).text).toBe('{"active":false}')
    expect((await send(`${server.operations}/readyz`)).status).toBe(200)

    // The other server listens again: it hears at once of what is written here.
    await delay(600)
    const introspect = () => send(`${there}/introspect`, { method: 'POST', headers, body: fresh })
    const fresh = new URLSearchParams({ token: await tenant.token(client) })
    expect((await introspect()).json.active).toBe(true)
    await tenant.revoke(client, fresh.get('token') ?? '')
    const began = performance.now()
    while ((await introspect()).json.active) expect(performance.now() - began).toBeLessThan(1_000)
    const errors = server
      .logs()
      .split('\n')
      .filter((line) => line.includes('"level":50'))
    // Each refusal is logged with its cause, for the operator.
    expect(errors.some((line) => line.includes('ECONNREFUSED'))).toBe(true)
  })

  function request(client: { id: string; secret: string }, token: string) {
    const authorization = (id: string) => `Basic ${Buffer.from(`${id}:${client.secret}`).toString('base64')}`
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    return {
      token,
      headers: { ...type, authorization: authorization(client.id) },
      form: (body: string, id: string) => ({
        method: 'POST',
        body,
        headers: { ...type, authorization: authorization(id) },
      }),
    }
  }
})
