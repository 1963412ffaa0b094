import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { publishedForMs, retiredForMs } from '../../src/keys/lifecycle.ts'
import { databases } from '../support/databases.ts'
import type { Credentials } from '../support/http.ts'
import { basic, postJson, send } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'

interface Key {
  kid: string
  algorithm: string
  state: string
  activates_at: string
  retired_at: string | null
  removes_at: string | null
  jwk: Record<string, string>
}

describe.each(databases)('signing keys on the admin API, on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const pathOf = ({ id }: Tenant) => `/auth-servers/${id}/keys`
  async function keysOf(of: Tenant): Promise<Key[]> {
    const { json } = await server.admin('GET', pathOf(of))
    return Array.isArray(json.items) ? json.items : []
  }
  const keyOf = async (of: Tenant, state: string) => (await keysOf(of)).find((key) => key.state === state)
  const rotate = (of: Tenant, body?: unknown) => server.admin('POST', `${pathOf(of)}/rotate`, body)
  const revoke = (of: Tenant, kid: string) => server.admin('DELETE', `${pathOf(of)}/${kid}`)
  const jwksOf = async (of: Tenant): Promise<{ keys: Record<string, string>[] }> =>
    JSON.parse((await send(`${of.issuer}/jwks`)).text)
  /** The `kid` that signed a fresh token, once the token was verified with the published keys. */
  async function signs(of: Tenant, by: Credentials): Promise<string | undefined> {
    const { protectedHeader } = await jwtVerify(await of.token(by), createLocalJWKSet(await jwksOf(of)), {
      issuer: of.issuer,
      currentDate: new Date(server.now()),
    })
    return protectedHeader.kid
  }
  const isActive = async (of: Tenant, by: Credentials, token: string) => (await of.introspect(by, token)).json.active

  async function fresh(members: Record<string, unknown> = {}): Promise<[Tenant, Credentials]> {
    const made = await createTenant(server, members)
    return [made, await made.client()]
  }

  test('are listed and read, with their public half only', async () => {
    client = await tenant.client()
    const [key, ...more] = await keysOf(tenant)
    expect(more).toEqual([])
    expect(key).toEqual({
      kid: await signs(tenant, client),
      algorithm: 'ES256',
      state: 'active',
      jwk: (await jwksOf(tenant)).keys[0],
      activates_at: expect.stringMatching(/Z$/),
      retired_at: null,
      removes_at: null,
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    })
    const read = await server.admin('GET', `${pathOf(tenant)}/${key?.kid}`)
    expect(read.json).toEqual(key)
    expect(read.text).not.toMatch(/"d"|private|encryption/)
  })

  test('can be neither made nor changed by hand', async () => {
    const key = await keyOf(tenant, 'active')
    expect((await server.admin('POST', pathOf(tenant), {})).status).toBe(404)
    expect((await server.admin('PATCH', `${pathOf(tenant)}/${key?.kid}`, { state: 'retired' })).status).toBe(404)
    expect((await server.admin('PUT', `${pathOf(tenant)}/${key?.kid}`, {})).status).toBe(404)
  })

  test('rotate on demand: published first, then active, and the old one published on', async () => {
    const [of, by] = await fresh()
    const first = await signs(of, by)
    const answer = await rotate(of)
    expect([answer.status, answer.json.state]).toEqual([200, 'next'])
    expect(Date.parse(String(answer.json.activates_at))).toBeGreaterThanOrEqual(server.now() + publishedForMs - 60_000)
    const next = String(answer.json.kid)
    expect((await jwksOf(of)).keys.map(({ kid }) => kid)).toEqual([first, next])
    expect(await signs(of, by)).toBe(first)
    expect((await rotate(of, {})).json.kid).toBe(next)

    server.advance(publishedForMs + 1_000)
    // Due, so that whoever asks next brings it about; the job would as well.
    expect((await rotate(of)).json).toMatchObject({ kid: next, state: 'active' })
    expect(await signs(of, by)).toBe(next)
    expect((await jwksOf(of)).keys.map(({ kid }) => kid)).toEqual([next, first])
    expect((await keyOf(of, 'retired'))?.kid).toBe(first)
  })

  test('a token that a retired key signed stays valid', async () => {
    const [of, by] = await fresh({ access_token_lifetime: 86_400 })
    const token = await of.token(by)
    const { json } = await rotate(of, { immediately: true })
    expect(json).toMatchObject({ state: 'active', retired_at: null })
    expect(await signs(of, by)).toBe(json.kid)
    expect(await isActive(of, by, token)).toBe(true)
    const retired = await keyOf(of, 'retired')
    expect(Date.parse(retired?.removes_at ?? '') - Date.parse(retired?.retired_at ?? '')).toBe(retiredForMs)
  })

  test('a revoked key is gone at once, its tokens with it, and another signs', async () => {
    const [of, by] = await fresh()
    const token = await of.token(by)
    const first = await signs(of, by)
    expect(await isActive(of, by, token)).toBe(true)
    expect((await revoke(of, String(first))).status).toBe(204)
    expect(await isActive(of, by, token)).toBe(false)
    expect((await of.revoke(by, token)).status).toBe(200)
    const second = await signs(of, by)
    expect(second).not.toBe(first)
    expect((await jwksOf(of)).keys.map(({ kid }) => kid)).toEqual([second])
    for (const method of ['GET', 'DELETE']) {
      expect((await server.admin(method, `${pathOf(of)}/${first}`)).json.code).toBe('not_found')
    }
  })

  test('verifiers that keep the JWK Set hear of a revoked key through the feed, from a token of the new one', async () => {
    const [of] = await fresh()
    const reader = await of.client({ may_introspect: true })
    const poll = async () => {
      const body = { returnImmediately: true }
      const { json } = await postJson(`${of.issuer}/events/poll`, body, basic(reader))
      return Object.values(Object(json.sets)).map(String)
    }
    expect(await poll()).toEqual([])
    const first = (await keyOf(of, 'active'))?.kid ?? ''
    await revoke(of, first)
    await revoke(of, 'unknown')
    const [set = '', ...more] = await poll()
    expect(more).toEqual([])
    expect(decodeJwt(set)).toMatchObject({
      sub_id: { format: 'opaque', id: first },
      events: { 'urn:postern:event:key-revoked': { token_expires_at: expect.any(Number) } },
    })
    await jwtVerify(set, createLocalJWKSet(await jwksOf(of)), { currentDate: new Date(server.now()) })
  })

  test('the key of the system auth server can be revoked too, by a token that it has signed', async () => {
    const system = { ...tenant, id: 'system', issuer: `${server.origin}/system` }
    const old = await server.adminToken()
    const key = await keyOf(system, 'active')
    const request = (method: string, path: string, token: string) =>
      send(`${server.origin}/admin/v1${path}`, { method, headers: { authorization: `Bearer ${token}` } })
    expect((await request('DELETE', `${pathOf(system)}/${key?.kid}`, old)).status).toBe(204)
    expect((await request('GET', '/organizations', old)).status).toBe(401)
    expect((await request('GET', '/organizations', await server.adminToken())).status).toBe(200)
    // The client of these tests keeps its token for a minute.
    server.advance(61_000)
  })

  test.each(['ES384', 'RS256', 'PS256', 'EdDSA'])(
    'an auth server may sign with %s from the start',
    async (algorithm) => {
      const [of, by] = await fresh({ signing_algorithm: algorithm })
      expect((await keysOf(of)).map((key) => [key.algorithm, key.state])).toEqual([[algorithm, 'active']])
      const token = await of.token(by)
      const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(await jwksOf(of)), {
        algorithms: [algorithm],
        currentDate: new Date(server.now()),
      })
      expect(protectedHeader.alg).toBe(algorithm)
      expect(await isActive(of, by, token)).toBe(true)
      const metadata = await send(`${of.issuer}/.well-known/openid-configuration`)
      expect(metadata.json.id_token_signing_alg_values_supported).toEqual([algorithm])
    },
  )

  test('an auth server changes its algorithm without a gap', async () => {
    const [of, by] = await fresh()
    const path = `/auth-servers/${of.id}`
    const changed = await server.admin('PATCH', path, { signing_algorithm: 'EdDSA' })
    expect(changed.json.signing_algorithm).toBe('EdDSA')
    const algorithms = async () =>
      (await send(`${of.issuer}/.well-known/openid-configuration`)).json.id_token_signing_alg_values_supported
    expect(await algorithms()).toEqual(['ES256', 'EdDSA'])
    const next = await keyOf(of, 'next')
    expect(next?.algorithm).toBe('EdDSA')
    expect(await signs(of, by)).toBe((await keyOf(of, 'active'))?.kid)
    server.advance(publishedForMs - 60_000)
    await server.admin('PATCH', path, { name: 'Too early' })
    expect(await signs(of, by)).not.toBe(next?.kid)
    const last = await of.token(by)
    server.advance(61_000)
    await server.admin('PATCH', path, { name: 'Late enough' })
    expect(await signs(of, by)).toBe(next?.kid)
    expect(await algorithms()).toEqual(['EdDSA', 'ES256'])
    expect(await isActive(of, by, last)).toBe(true)
  })

  test('settings have bounds', async () => {
    const [of] = await fresh({ key_rotation_interval: null })
    const path = `/auth-servers/${of.id}`
    expect((await server.admin('GET', path)).json.key_rotation_interval).toBe(null)
    expect((await server.admin('PATCH', path, { key_rotation_interval: 3_600 })).json.key_rotation_interval).toBe(3_600)
    expect((await server.admin('PATCH', path, { name: 'x' })).json.key_rotation_interval).toBe(3_600)
    expect((await server.admin('GET', `/auth-servers/${tenant.id}`)).json.key_rotation_interval).toBe(90 * 86_400)
    for (const change of [
      { key_rotation_interval: 3_599 },
      { key_rotation_interval: 31_536_001 },
      { key_rotation_interval: '90d' },
      { signing_algorithm: 'none' },
      { signing_algorithm: 'HS256' },
      { signing_algorithm: null },
    ]) {
      expect((await server.admin('PATCH', path, change)).json.code).toBe('invalid_request')
    }
    expect((await rotate(of, { immediately: 'yes' })).json.code).toBe('invalid_request')
    expect((await rotate(of, { now: true })).json.code).toBe('invalid_request')
  })

  test('the limits say which algorithms may sign', async () => {
    const limits = { signing_algorithms: ['PS256', 'ES256'] }
    const [of] = await fresh({ limits })
    const path = `/auth-servers/${of.id}`
    expect((await server.admin('PATCH', path, { signing_algorithm: 'RS256' })).json.code).toBe('invalid_request')
    expect((await server.admin('GET', path)).json.signing_algorithm).toBe('ES256')
    expect(await keysOf(of)).toHaveLength(1)
    expect((await server.admin('PATCH', path, { signing_algorithm: 'PS256' })).status).toBe(200)
    const body = { organization_id: of.organization, name: 'x', audience: 'x', signing_algorithm: 'EdDSA', limits }
    expect((await server.admin('POST', '/auth-servers', body)).json.code).toBe('invalid_request')
  })

  test('one auth server does not reach the keys of another', async () => {
    const [of] = await fresh()
    const foreign = await keyOf(tenant, 'active')
    for (const method of ['GET', 'DELETE']) {
      expect((await server.admin(method, `${pathOf(of)}/${foreign?.kid}`)).status).toBe(404)
    }
    expect((await keyOf(tenant, 'active'))?.kid).toBe(foreign?.kid)
    expect((await server.admin('POST', '/auth-servers/unknown/keys/rotate')).status).toBe(404)
    expect((await server.admin('GET', '/auth-servers/unknown/keys')).status).toBe(404)
  })

  test('whoever may only read neither rotates nor revokes', async () => {
    const token = await server.adminToken({ scope: 'admin:read' })
    const kid = (await keyOf(tenant, 'active'))?.kid
    for (const [method, path, status] of [
      ['GET', '', 200],
      ['POST', '/rotate', 403],
      ['DELETE', `/${kid}`, 403],
    ] as const) {
      const url = `${server.origin}/admin/v1${pathOf(tenant)}${path}`
      expect((await send(url, { method, headers: { authorization: `Bearer ${token}` } })).status).toBe(status)
    }
  })

  test('rotations on demand end where there are too many keys, until one is revoked', async () => {
    const [of] = await fresh()
    const statuses = new Set<number>()
    for (let count = 1; count < 50; count += 1) statuses.add((await rotate(of, { immediately: true })).status)
    expect([...statuses]).toEqual([200])
    expect((await rotate(of, { immediately: true })).json.code).toBe('limit_reached')
    await revoke(of, (await keyOf(of, 'retired'))?.kid ?? '')
    expect((await rotate(of, { immediately: true })).status).toBe(200)
  })
})
