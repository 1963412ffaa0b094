/** Nothing secret reaches the log, whatever level it has and whatever goes wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, type Store } from '../support/databases.ts'
import { basic, postForm, postJson, send, sendRaw } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant } from '../support/tenant.ts'

describe.each(databases)('the log on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store)
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })

  test('tells of refusals at level debug, and holds no secret and no token', async () => {
    const tenant = await createTenant(server)
    const client = await tenant.client({ may_introspect: true })
    const token = await tenant.token(client)
    const adminToken = await server.adminToken()
    const guess = { id: client.id, secret: 'guessed-secret-of-somebody' }
    const form = `grant_type=client_credentials&client_id=${client.id}&client_secret=${client.secret}`
    const bearer = { authorization: `Bearer ${adminToken}` }
    const { authorization } = basic(client)

    const statuses = [
      await tenant.introspect(client, token),
      await tenant.introspect(guess, token),
      await tenant.tokenAnswer(guess),
      await postForm(`${tenant.issuer}/token`, form, client),
      await postForm(`${tenant.issuer}/token?${form}`, ''),
      await postForm(`${tenant.issuer}/token`, `${form}&x=%zz`),
      await postForm(`${tenant.issuer}/token`, `${form}&${'x'.repeat(100_000)}`),
      await postForm(`${tenant.issuer}/token`, form, undefined, { 'content-type': 'text/plain' }),
      await postForm(`${server.origin}/unknown/token?token=${token}`, form, client),
      await postJson(`${tenant.issuer}/events/poll`, { secret: client.secret }, basic(client)),
      await send(`${tenant.issuer}/events/poll`, {
        method: 'POST',
        body: `{"token":"${token}`,
        headers: { ...basic(client), 'content-type': 'application/json' },
      }),
      await tenant.revoke(await tenant.client(), token),
      await tenant.revoke(client, token),
      await send(`${server.origin}/admin/v1/organizations`, { headers: { authorization: `Bearer ${token}` } }),
      await send(`${server.origin}/admin/v1/organizations?token=${token}`, { headers: bearer }),
      await send(`${server.origin}/admin/v1/organizations`, {
        method: 'POST',
        body: `{"name":"${client.secret}", "token":"${token}"`,
        headers: { ...bearer, 'content-type': 'application/json' },
      }),
      await server.admin('POST', '/organizations', { name: 'x', [token]: client.secret }),
      await server.admin('POST', `/auth-servers/${tenant.id}/clients`, { name: 'x', id: client.id }),
    ].map(({ status }) => status)
    expect(statuses.filter((status) => status >= 400).length).toBeGreaterThan(12)
    await sendRaw(server.origin, `GET / HTTP/1.1\r\nAuthorization: ${authorization}\r\nbroken header\r\n\r\n`)

    const log = server.logs()
    expect(log.match(/request refused/g)?.length).toBeGreaterThan(10)
    const parts = token.split('.')
    // Not `toContain`: its message would be the whole log.
    for (const secret of [
      client.secret,
      server.firstClient.secret,
      guess.secret,
      adminToken,
      token,
      ...parts.slice(1),
    ]) {
      expect(log.includes(secret)).toBe(false)
    }
    expect(log.includes(authorization.slice('Basic '.length))).toBe(false)
  })
})
