import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { postForm } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('the events of an auth server on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const itemsOf = ({ json }: { json: Record<string, unknown> }): Record<string, unknown>[] =>
    Array.isArray(json.items) ? json.items : []
  const list = async (authServer: string, query = ''): Promise<Record<string, unknown>[]> => {
    const { status, json } = await server.admin('GET', `/auth-servers/${authServer}/events?limit=999${query}`)
    expect(status).toBe(200)
    return itemsOf({ json })
  }
  /** Once as many as that are stored: the writer takes its time. */
  const listed = async (authServer: string, count: number, query = '') => {
    const deadline = Date.now() + 10_000
    for (;;) {
      const found = await list(authServer, query)
      if (found.length >= count) return found
      if (Date.now() > deadline) throw new Error(`${found.length} events in place of ${count}`)
    }
  }

  test('are read newest first, each with its members, changes of the admin API among them', async () => {
    const client = await tenant.client()
    const token = await tenant.token(client, { scope: 'read' })
    await tenant.tokenAnswer(client, { scope: 'unknown' })
    await tenant.revoke(client, token)
    const found = await listed(tenant.id, 5, `&client=${client.id}`)
    const path = `/auth-servers/${tenant.id}/clients/${client.id}`
    const common = { id: expect.any(String), at: expect.any(String), client_id: client.id }
    const change = { actor: server.firstClient.id, changed: expect.stringContaining('name') }
    expect(found).toEqual([
      { ...common, type: 'token.revoked', subject: client.id, data: { jti: expect.any(String) } },
      {
        ...common,
        type: 'token.refused',
        subject: null,
        data: { grant_type: 'client_credentials', error: 'invalid_scope', reason: expect.any(String) },
      },
      {
        ...common,
        type: 'token.issued',
        subject: client.id,
        data: expect.objectContaining({ grant_type: 'client_credentials', scope: 'read' }),
      },
      {
        ...common,
        type: 'client_secret.created',
        subject: null,
        data: { ...change, target: expect.stringMatching(`^${path}/secrets/`) },
      },
      { ...common, type: 'client.created', subject: null, data: { ...change, target: path } },
    ])
  })

  test('what an administrator revokes is recorded as it is where a client does', async () => {
    const own = await createTenant(server)
    const revoke = (kind: string, value: string) =>
      server.admin('POST', `/auth-servers/${own.id}/revocations`, { kind, value })
    const about = (client_id: string | null, subject: string | null, data = {}) => ({ client_id, subject, data })
    await revoke('token', 'a-jti')
    await revoke('grant', 'a-grant')
    await revoke('client', 'a-client')
    await revoke('subject', 'alice')
    const found = await listed(own.id, 4, '&type=token.revoked')
    expect(found.reverse().map(({ client_id, subject, data }) => ({ client_id, subject, data }))).toEqual([
      about(null, null, { jti: 'a-jti' }),
      about(null, null, { grant_id: 'a-grant' }),
      about('a-client', null),
      about(null, 'alice'),
    ])
    expect(await list(own.id, '&type=revocation.created')).toHaveLength(4)
    const wrong = { kind: 'token', value: 'x', not_before: '2020-01-01T00:00:00Z' }
    expect((await server.admin('POST', `/auth-servers/${own.id}/revocations`, wrong)).status).toBe(400)
    expect(await list(own.id, '&type=token.revoked')).toHaveLength(4)
  })

  test('what becomes of keys by an administrator is recorded as it is on schedule', async () => {
    const own = await createTenant(server)
    const path = `/auth-servers/${own.id}/keys`
    const [first] = itemsOf(await server.admin('GET', path))
    const next = (await server.admin('POST', `${path}/rotate`, { immediately: true })).json
    await server.admin('DELETE', `${path}/${next.kid}`)
    await server.admin('DELETE', `${path}/unknown`)
    const [last] = itemsOf(await server.admin('GET', path)).filter(({ state }) => state === 'active')
    const dataOf = async (type: string, count: number) =>
      (await listed(own.id, count, `&type=${type}`)).map((it) => it.data)
    const key = (kid: unknown) => ({ kid, algorithm: 'ES256' })
    expect(await dataOf('key.revoked', 1)).toEqual([key(next.kid)])
    expect(await dataOf('key.activated', 2)).toEqual([key(last?.kid), key(next.kid)])
    expect(await dataOf('key.retired', 1)).toEqual([key(first?.kid)])
    expect(await list(own.id, '&type=key.removed')).toEqual([])
  })

  test('are found by type, subject and time, and page by page', async () => {
    const client = await tenant.client()
    for (let count = 0; count < 10; count += 1) await tenant.token(client)
    const issued = await listed(tenant.id, 10, `&type=token.issued&subject=${client.id}`)
    expect(issued).toHaveLength(10)
    expect(issued.map(({ id }) => String(id))).toEqual(
      issued
        .map(({ id }) => String(id))
        .toSorted()
        .reverse(),
    )
    const fifth = String(issued[5]?.at)
    const query = `&type=token.issued&subject=${client.id}`
    const [since, until] = [
      await list(tenant.id, `${query}&since=${fifth}`),
      await list(tenant.id, `${query}&until=${fifth}`),
    ]
    expect([...since, ...until]).toEqual(issued)
    expect(until.every(({ at }) => String(at) < fifth)).toBe(true)

    const paged: unknown[] = []
    for (let after = ''; ; ) {
      const { json } = await server.admin('GET', `/auth-servers/${tenant.id}/events?limit=3${query}${after}`)
      paged.push(...(Array.isArray(json.items) ? json.items : []))
      if (json.next === null) break
      after = `&after=${json.next}`
    }
    expect(paged).toEqual(issued)
    for (const wrong of ['after=nonsense', 'since=yesterday', 'until=1', 'limit=0', 'unknown=1', 'type=a&type=b']) {
      const { status } = await server.admin('GET', `/auth-servers/${tenant.id}/events?${wrong}`)
      expect(status, wrong).toBe(400)
    }
  })

  test('of one auth server are not seen by way of another, and of none that is not there', async () => {
    const other = await createTenant(server)
    const client = await tenant.client({ id: 'same' })
    await other.client({ id: 'same' })
    await tenant.token(client)
    await listed(tenant.id, 1, '&client=same&type=token.issued')
    expect(await list(other.id, '&client=same&type=token.issued')).toEqual([])
    expect((await server.admin('GET', '/auth-servers/missing/events')).status).toBe(404)
  })

  test('can only be read', async () => {
    for (const method of ['POST', 'PATCH', 'DELETE', 'PUT']) {
      expect((await server.admin(method, `/auth-servers/${tenant.id}/events`, {})).status).toBe(404)
    }
  })

  test('name the trace of their request', async () => {
    const client = await tenant.client()
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` }
    await postForm(`${tenant.issuer}/token`, { grant_type: 'client_credentials' }, client, headers)
    const [event] = await listed(tenant.id, 1, `&type=token.issued&client=${client.id}`)
    expect(event?.data).toMatchObject({ trace_id: traceId })
  })
})
