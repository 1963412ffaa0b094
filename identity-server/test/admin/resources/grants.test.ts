import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { databases } from '../../support/databases.ts'
import type { Credentials } from '../../support/http.ts'
import { firstTokens, mayRefresh, refreshAt, tokensOf, withRefreshTokens } from '../../support/refreshing.ts'
import type { TestServer } from '../../support/server.ts'
import { createTenant, type Tenant, tenantAudience, useTenant } from '../../support/tenant.ts'
import { until } from '../../support/wait.ts'

describe.each(databases)('grants on the admin API on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  useTenant(
    start,
    (bench) => {
      server = bench.server
      tenant = bench.tenant
    },
    withRefreshTokens,
  )

  const path = (id = '') => `/auth-servers/${tenant.id}/grants${id === '' ? '' : `/${id}`}`
  const list = async (query: Record<string, string>) => {
    const { status, json } = await server.admin('GET', `${path()}?${new URLSearchParams(query)}`)
    expect(status).toBe(200)
    return { ids: (Array.isArray(json.items) ? json.items : []).map(({ id }) => String(id)), next: json.next }
  }
  const begin = async (by: Credentials, subject: string) => {
    const tokens = await firstTokens(tenant, by, { subject, scope: 'read write' })
    return { ...tokens, id: String(decodeJwt(tokens.access).grant_id) }
  }
  const refresh = (by: Credentials, token: string) => refreshAt(`${tenant.issuer}/token`, by, token)

  test('show what was granted, to whom, and until when', async () => {
    const client = await tenant.client({ ...mayRefresh, refresh_token_lifetime: 3_600, grant_lifetime: 7_200 })
    const { id, refresh: token } = await begin(client, 'user-1')
    const { status, json } = await server.admin('GET', path(id))
    expect(status).toBe(200)
    const times = { created_at: expect.any(String), used_at: json.created_at }
    const ends = {
      idle_until: later(json.created_at, 3_600),
      ends_at: later(json.created_at, 7_200).replace(/\.\d+/, '.000'),
    }
    expect(json).toEqual({
      id,
      client_id: client.id,
      subject: 'user-1',
      scopes: ['read', 'write'],
      audiences: [tenantAudience],
      authorization_details: [],
      confirmation: null,
      ...times,
      ...ends,
    })
    server.advance(60_000)
    await refresh(client, token)
    const after = (await server.admin('GET', path(id))).json
    expect(after).toEqual({ ...json, used_at: after.used_at, idle_until: later(after.used_at, 3_600) })
    expect(Date.parse(String(after.used_at))).toBeGreaterThanOrEqual(Date.parse(String(json.used_at)) + 60_000)
  })

  test('are listed by client and by subject, in pages', async () => {
    const [one, two] = [await tenant.client(mayRefresh), await tenant.client(mayRefresh)]
    const all: string[] = []
    for (const by of [one, two, one])
      for (const subject of ['a', 'b', 'user/c&d=1']) all.push((await begin(by, subject)).id)
    const of = async (query: Record<string, string>) => (await list(query)).ids
    const sorted = (...indices: number[]) => indices.map((index) => all[index]).sort()
    expect(await of({ client_id: one.id })).toEqual(sorted(0, 1, 2, 6, 7, 8))
    expect(await of({ client_id: one.id, subject: 'user/c&d=1' })).toEqual(sorted(2, 8))
    expect(await of({ subject: 'b' })).toEqual(sorted(1, 4, 7))
    expect(await of({ client_id: 'nobody' })).toEqual([])
    const first = await list({ client_id: one.id, limit: '4' })
    const second = await list({ client_id: one.id, limit: '4', after: String(first.next) })
    expect([...first.ids, ...second.ids]).toEqual(sorted(0, 1, 2, 6, 7, 8))
    expect(second.next).toBeNull()
  })

  test('are revoked with all of their tokens', async () => {
    const client = await tenant.client(mayRefresh)
    const [grant, other] = [await begin(client, 'user'), await begin(client, 'user')]
    const next = tokensOf(await refresh(client, grant.refresh))
    expect((await server.admin('DELETE', path(grant.id))).status).toBe(204)
    for (const access of [grant.access, next.access]) {
      expect((await tenant.introspect(client, access)).text).toBe('{"active":false}')
    }
    expect((await refresh(client, next.refresh)).json.error).toBe('invalid_grant')
    expect((await server.admin('GET', path(grant.id))).status).toBe(404)
    expect((await server.admin('DELETE', path(grant.id))).status).toBe(404)
    expect((await refresh(client, other.refresh)).status).toBe(200)
    const events = `/auth-servers/${tenant.id}/events?type=token.revoked&client=${client.id}`
    await until(async () => !(await server.admin('GET', events)).text.includes('"items":[]'))
    expect((await server.admin('GET', events)).json.items).toEqual([
      expect.objectContaining({ client_id: client.id, subject: 'user', data: { grant_id: grant.id } }),
    ])
  })

  test('a query that is not known is refused: a misspelt filter would show everything', async () => {
    expect((await server.admin('GET', `${path()}?client=x`)).status).toBe(400)
    expect((await server.admin('GET', `${path()}?client_id=`)).status).toBe(400)
    expect((await server.admin('GET', `${path()}?client_id=a&client_id=b`)).status).toBe(400)
  })

  test('of one auth server are not found below another', async () => {
    const { id } = await begin(await tenant.client(mayRefresh), 'user')
    const other = await createTenant(server)
    expect((await server.admin('GET', `/auth-servers/${other.id}/grants/${id}`)).status).toBe(404)
    expect((await server.admin('DELETE', `/auth-servers/${other.id}/grants/${id}`)).status).toBe(404)
    expect((await server.admin('GET', path(id))).status).toBe(200)
  })
})

function later(time: unknown, seconds: number): string {
  return new Date(Date.parse(String(time)) + seconds * 1_000).toISOString()
}
