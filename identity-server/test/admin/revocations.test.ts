/** What ends tokens, and that it ends all of them and no others, for good. */
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { atOnce, poll } from '../support/feed.ts'
import type { Credentials } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, newSecret, type Tenant, useTenant } from '../support/tenant.ts'

describe.each(databases)('revocation by an admin on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const path = () => `/auth-servers/${tenant.id}/revocations`
  const revoke = (body: object) => server.admin('POST', path(), body)
  const clientPath = ({ id }: Credentials) => `/auth-servers/${tenant.id}/clients/${id}`
  const secondsNow = () => Math.floor(server.now() / 1_000)
  const toTime = (seconds: number) => new Date(seconds * 1_000).toISOString()
  const isActive = async (by: Credentials, token: string) => (await tenant.introspect(by, token)).json.active
  /** From now on, what is issued is issued in a later second than everything before. */
  const laterSecond = () => server.advance(1_000)

  async function bench() {
    const [client, other] = [await tenant.client(), await tenant.client()]
    const reader = await tenant.client({ may_introspect: true })
    const { next } = await poll(tenant.issuer, reader, { ...atOnce, maxEvents: 1_000 })
    const news = async () => (await poll(tenant.issuer, reader, { ...atOnce, after: next })).revocations
    return { client, other, reader, news }
  }

  test('of a token, by its jti', async () => {
    const { client, reader, news } = await bench()
    const [token, another] = [await tenant.token(client), await tenant.token(client)]
    const { jti } = decodeJwt(token)
    const { status, json } = await revoke({ kind: 'token', value: jti })
    const expiresAt = secondsNow() + 86_400
    expect(status).toBe(201)
    expect(json).toMatchObject({ kind: 'token', value: jti, not_before: null })
    expect([await isActive(reader, token), await isActive(reader, another)]).toEqual([false, true])
    const [event] = await news()
    expect(event).toMatchObject({ kind: 'token', value: jti })
    // How long it lives is not known here, so it counts as long-lived as any.
    expect(Math.abs(Number(event?.expiresAt) - expiresAt)).toBeLessThan(5)
  })

  test.each(['client', 'subject'] as const)('of a %s: what was issued until now, and nothing later', async (kind) => {
    await server.withStoppedClock(async () => {
      const { client, other, reader, news } = await bench()
      const [token, others] = [await tenant.token(client), await tenant.token(other)]
      const opaque = await tenant.client({ access_token_format: 'opaque' })
      // Without a user, the subject is the client.
      expect((await revoke({ kind, value: client.id })).status).toBe(201)
      expect((await revoke({ kind, value: opaque.id })).status).toBe(201)
      const [sameSecond, unread] = [await tenant.token(client), await tenant.token(opaque)]
      expect(await Promise.all([token, sameSecond, unread, others].map((each) => isActive(reader, each)))).toEqual([
        false,
        false,
        false,
        true,
      ])
      laterSecond()
      expect(await isActive(reader, await tenant.token(client))).toBe(true)
      const [event] = await news()
      expect(event).toMatchObject({ kind, value: client.id, notBefore: expect.any(Number) })
      expect(decodeJwt(sameSecond).iat).toBe(event?.notBefore)
    })
  })

  test('of a client up to a time in the past', async () => {
    const { client, reader } = await bench()
    const early = await tenant.token(client)
    server.advance(60_000)
    const late = await tenant.token(client)
    const cutoff = Number(decodeJwt(early).iat) + 30
    const { json } = await revoke({ kind: 'client', value: client.id, not_before: toTime(cutoff) })
    expect(json.not_before).toBe(toTime(cutoff))
    expect([await isActive(reader, early), await isActive(reader, late)]).toEqual([false, true])
    // An earlier cut-off takes nothing back.
    await revoke({ kind: 'client', value: client.id, not_before: toTime(cutoff - 60) })
    expect(await isActive(reader, early)).toBe(false)
    await revoke({ kind: 'client', value: client.id, not_before: toTime(secondsNow()) })
    expect(await isActive(reader, late)).toBe(false)
  })

  test('of a grant', async () => {
    const { reader, news } = await bench()
    expect((await revoke({ kind: 'grant', value: 'a-grant' })).status).toBe(201)
    expect(await news()).toMatchObject([{ kind: 'grant', value: 'a-grant' }])
    expect(await isActive(reader, await tenant.token(reader))).toBe(true)
  })

  test('of a key: what it signed, and nothing that another signs', async () => {
    const own = await createTenant(server)
    const [client, reader] = [await own.client(), await own.client({ may_introspect: true })]
    const token = await own.token(client)
    const kid = String(decodeProtectedHeader(token).kid)
    const { next } = await poll(own.issuer, reader, atOnce)
    const waiting = poll(own.issuer, reader, { after: next })
    await poll(own.issuer, reader, atOnce)
    expect((await server.admin('DELETE', `/auth-servers/${own.id}/keys/${kid}`)).status).toBe(204)
    expect((await own.introspect(reader, token)).json.active).toBe(false)
    const { revocations, sets } = await waiting
    expect(revocations).toMatchObject([{ kind: 'key', value: kid }])
    // Told under the key that took over, and verifiable: a revoked key vouches for nothing.
    const [set = ''] = Object.values(sets)
    const { protectedHeader } = await jwtVerify(set, createRemoteJWKSet(new URL(`${own.issuer}/jwks`)))
    expect(protectedHeader.kid).not.toBe(kid)
    expect((await own.introspect(reader, await own.token(client))).json.active).toBe(true)
  })

  test('events that an earlier key has signed are signed anew once it is revoked', async () => {
    const own = await createTenant(server)
    const [client, reader] = [await own.client(), await own.client({ may_introspect: true })]
    await own.revoke(client, await own.token(client))
    const kidOf = async () => {
      const { sets } = await poll(own.issuer, reader, { ...atOnce, maxEvents: 1 })
      return decodeProtectedHeader(Object.values(sets)[0] ?? '').kid
    }
    const first = await kidOf()
    await server.admin('DELETE', `/auth-servers/${own.id}/keys/${first}`)
    expect(await kidOf()).not.toBe(first)
  })

  describe('the end of a client', () => {
    const ends: [what: string, end: (client: Credentials) => Promise<unknown>][] = [
      ['disabled', (client) => server.admin('PATCH', clientPath(client), { enabled: false })],
      ['deleted', (client) => server.admin('DELETE', clientPath(client))],
    ]
    test.each(ends)('%s: ends its tokens, and tells the feed', async (_what, end) => {
      const { client, reader, news } = await bench()
      const token = await tenant.token(client)
      await end(client)
      expect(await isActive(reader, token)).toBe(false)
      const [event] = await news()
      expect(event).toMatchObject({ kind: 'client', value: client.id })
      // A little ahead: other replicas may not have heard of it yet, and issue a token.
      expect(Number(event?.notBefore) - Number(decodeJwt(token).iat)).toBeGreaterThanOrEqual(2)
    })

    test('does not end with it: a client that is enabled again, or made anew under the same id, has new tokens only', async () => {
      const { client, reader } = await bench()
      const first = await tenant.token(client)
      await server.admin('PATCH', clientPath(client), { enabled: false })
      await server.admin('PATCH', clientPath(client), { enabled: true })
      expect(await isActive(reader, first)).toBe(false)
      server.advance(3_000)
      const second = await tenant.token(client)
      expect(await isActive(reader, second)).toBe(true)
      await server.admin('DELETE', clientPath(client))
      await tenant.client({ id: client.id })
      expect(await Promise.all([first, second].map((token) => isActive(reader, token)))).toEqual([false, false])
      server.advance(3_000)
      const third = await tenant.token(await newSecret(server, tenant.id, client.id))
      expect(await isActive(reader, third)).toBe(true)
      expect(await Promise.all([first, second].map((token) => isActive(reader, token)))).toEqual([false, false])
    })

    test('is neither told nor stored where nothing ends', async () => {
      const { client, reader, news } = await bench()
      const token = await tenant.token(client)
      await server.admin('PATCH', clientPath(client), { name: 'Renamed', enabled: true })
      await server.admin('PATCH', clientPath({ ...client, id: 'nobody' }), { enabled: false })
      await server.admin('DELETE', clientPath({ ...client, id: 'nobody' }))
      expect(await news()).toEqual([])
      expect(await isActive(reader, token)).toBe(true)
    })
  })

  test('holds on the admin API itself', async () => {
    const token = await server.adminToken()
    const at = (authorization: string) =>
      fetch(`${server.origin}/admin/v1/organizations`, { headers: { authorization } })
    expect((await at(`Bearer ${token}`)).status).toBe(200)
    const value = decodeJwt(token).jti
    await server.admin('POST', '/auth-servers/system/revocations', { kind: 'token', value })
    expect((await at(`Bearer ${token}`)).status).toBe(401)
  })

  test('is listed page by page, in the order of the feed, as long as it has an effect', async () => {
    const own = await createTenant(server)
    const at = `/auth-servers/${own.id}/revocations`
    const values = ['a', 'b', 'c', 'd', 'e']
    for (const value of values) await server.admin('POST', at, { kind: 'token', value })
    const pages = []
    for (let next: unknown = ''; next !== null; ) {
      const { json } = await server.admin('GET', `${at}?limit=2${next ? `&after=${next}` : ''}`)
      pages.push((Array.isArray(json.items) ? json.items : []).map(({ value }) => value))
      next = json.next
    }
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect((await server.admin('GET', `${at}?after=x`)).status).toBe(400)
    server.advance(25 * 3_600_000)
    expect((await server.admin('GET', at)).json).toEqual({ items: [], next: null })
  })

  const refused: [what: string, body: object, status: number][] = [
    ['another kind', { kind: 'key', value: 'k' }, 400],
    ['no value', { kind: 'token' }, 400],
    ['an empty value', { kind: 'token', value: '' }, 400],
    ['a long value', { kind: 'subject', value: 'a'.repeat(256) }, 400],
    ['a value that no database takes', { kind: 'subject', value: 'a\u0000b' }, 400],
    ['a cut-off that lies in the future', { kind: 'client', value: 'c', not_before: '2999-01-01T00:00:00Z' }, 400],
    ['a cut-off that is no time', { kind: 'client', value: 'c', not_before: 'soon' }, 400],
    ['a cut-off of a token', { kind: 'token', value: 'c', not_before: '2020-01-01T00:00:00Z' }, 400],
    ['an unknown member', { kind: 'token', value: 'c', expires_at: '2020-01-01T00:00:00Z' }, 400],
  ]
  test.each(refused)('is refused with %s', async (_what, body, status) => {
    expect((await revoke(body)).status).toBe(status)
  })

  test('cannot be taken back or changed, and needs an auth server', async () => {
    const { json } = await revoke({ kind: 'token', value: 'j' })
    for (const method of ['DELETE', 'PATCH', 'GET']) {
      const answer = await server.admin(method, `${path()}/${json.id}`, method === 'PATCH' ? { value: 'x' } : undefined)
      expect(answer.status).toBe(404)
    }
    expect((await server.admin('POST', '/auth-servers/none/revocations', { kind: 'token', value: 'j' })).status).toBe(
      404,
    )
  })
})
