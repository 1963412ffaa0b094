import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { createDpopKey, type DpopKey } from '../support/dpop.ts'
import { type Credentials, postForm } from '../support/http.ts'
import { firstTokens, mayRefresh, refreshAt, tokensOf, withRefreshTokens } from '../support/refreshing.ts'
import type { TestServer } from '../support/server.ts'
import { create, createTenant, newSecret, type Tenant, tenantAudience, useTenant } from '../support/tenant.ts'
import { until } from '../support/wait.ts'

const day = 86_400_000
const inactive = '{"active":false}'

describe.each(databases)('refresh tokens on $kind (RFC 6749 section 6)', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials

  useTenant(
    start,
    (bench) => {
      server = bench.server
      tenant = bench.tenant
    },
    withRefreshTokens,
  )
  beforeAll(async () => {
    client = await tenant.client(mayRefresh)
  })

  const refresh = (token: string, form: Record<string, string> = {}, by = client) =>
    refreshAt(`${tenant.issuer}/token`, by, token, form)
  const clientPath = (by: Credentials) => `/auth-servers/${tenant.id}/clients/${by.id}`
  const refused = { error: 'invalid_grant', error_description: 'the refresh token is not valid' }

  test('yield an access token like the first, and the next refresh token', async () => {
    const first = await tenant.tokenAnswer(client, { subject: 'user-1', scope: 'read write' })
    const { access, refresh: token } = tokensOf(first)
    const answer = await refresh(token)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const second = tokensOf(answer)
    expect(second.refresh).not.toBe(token)
    expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'read write' })
    const [one, two] = [decodeJwt(access), decodeJwt(second.access)]
    expect(two).toMatchObject({ sub: 'user-1', client_id: client.id, aud: tenantAudience, scope: 'read write' })
    expect(two.grant_id).toBe(one.grant_id)
    expect(two.jti).not.toBe(one.jti)
    expect((await tenant.introspect(client, second.access)).json).toMatchObject({ active: true, sub: 'user-1' })
    expect((await refresh(second.refresh)).status).toBe(200)
  })

  test('are given to clients that may use them, and to no others', async () => {
    const answer = await tenant.tokenAnswer(await tenant.client())
    expect(answer.status).toBe(200)
    expect(answer.json).not.toHaveProperty('refresh_token')
    expect(decodeJwt(String(answer.json.access_token))).not.toHaveProperty('grant_id')
  })

  test('go with opaque access tokens as well', async () => {
    const by = await tenant.client({ ...mayRefresh, access_token_format: 'opaque' })
    const second = tokensOf(await refresh((await firstTokens(tenant, by)).refresh, {}, by))
    expect(second.access).toMatch(/^pst_at_/)
    expect((await tenant.introspect(by, second.access)).json).toMatchObject({ active: true, client_id: by.id })
  })

  describe('bound what they yield', () => {
    test('to the scopes granted at first: fewer for one access token, more for none', async () => {
      const first = await firstTokens(tenant, client, { scope: 'read' })
      const exceeding = await refresh(first.refresh, { scope: 'read write' })
      expect(exceeding.json.error).toBe('invalid_scope')
      // What was refused has used nothing up.
      const both = await firstTokens(tenant, client, { scope: 'read write' })
      const less = await refresh(both.refresh, { scope: 'write' })
      expect(less.json.scope).toBe('write')
      expect((await refresh(tokensOf(less).refresh)).json.scope).toBe('read write')
      expect((await refresh(first.refresh)).json.scope).toBe('read')
    })

    test('to what the client may have by now', async () => {
      const by = await tenant.client(mayRefresh)
      const { refresh: token } = await firstTokens(tenant, by, { scope: 'read write' })
      await server.admin('PATCH', clientPath(by), { scopes: ['read'] })
      expect((await refresh(token, { scope: 'write' }, by)).json.error).toBe('invalid_scope')
      const answer = await refresh(token, {}, by)
      expect(answer.json.scope).toBe('read')
      await server.admin('PATCH', clientPath(by), { scopes: ['read', 'write'] })
      expect((await refresh(tokensOf(answer).refresh, {}, by)).json.scope).toBe('read write')
    })

    test('to the targets granted at first (RFC 8707 section 2.2)', async () => {
      const by = await tenant.client({ ...mayRefresh, resources: ['urn:a', 'urn:b', 'urn:c'] })
      const first = await postTargets(by, ['urn:a', 'urn:b'])
      expect((await refresh(first.refresh, { resource: 'urn:c' }, by)).json.error).toBe('invalid_target')
      expect((await refresh(first.refresh, { resource: tenantAudience }, by)).json.error).toBe('invalid_target')
      const second = tokensOf(await refresh(first.refresh, { resource: 'urn:b' }, by))
      expect(decodeJwt(second.access).aud).toBe('urn:b')
      await server.admin('PATCH', clientPath(by), { resources: ['urn:a'] })
      const third = tokensOf(await refresh(second.refresh, {}, by))
      expect(decodeJwt(third.access).aud).toBe('urn:a')
      await server.admin('PATCH', clientPath(by), { resources: [] })
      expect((await refresh(third.refresh, {}, by)).json.error).toBe('invalid_target')
    })

    const postTargets = async (by: Credentials, targets: string[]) => {
      const form = [['grant_type', 'client_credentials'], ...targets.map((target) => ['resource', target])]
      return tokensOf(await postForm(`${tenant.issuer}/token`, new URLSearchParams(form).toString(), by))
    }

    test('to the authorization details granted at first (RFC 9396 section 6.1)', async () => {
      await server.admin('PATCH', `/auth-servers/${tenant.id}`, { authorization_details_types: [{ type: 'account' }] })
      const by = await tenant.client({ ...mayRefresh, authorization_details_types: ['account'] })
      const [a, b] = [
        { type: 'account', identifier: 'a' },
        { type: 'account', identifier: 'b' },
      ]
      const text = (...details: object[]) => ({ authorization_details: JSON.stringify(details) })
      const first = await firstTokens(tenant, by, text(a, b))
      const exceeding = await refresh(first.refresh, text(a, { ...b, actions: ['write'] }), by)
      expect(exceeding.json.error).toBe('invalid_authorization_details')
      const less = await refresh(first.refresh, text({ identifier: 'b', type: 'account' }), by)
      expect(less.json.authorization_details).toEqual([b])
      const all = await refresh(tokensOf(less).refresh, {}, by)
      expect(all.json.authorization_details).toEqual([a, b])
      expect(decodeJwt(tokensOf(all).access).authorization_details).toEqual([a, b])
      const without = await firstTokens(tenant, by)
      expect((await refresh(without.refresh, text(a), by)).json.error).toBe('invalid_authorization_details')
      await server.admin('PATCH', clientPath(by), { authorization_details_types: null })
      expect((await refresh(tokensOf(all).refresh, {}, by)).json).not.toHaveProperty('authorization_details')
    })
  })

  describe('expire', () => {
    const idle = { ...mayRefresh, refresh_token_lifetime: 3_600, grant_lifetime: 9_000 }

    test('where they lie unused, and not where they are used', async () => {
      const by = await tenant.client({ ...idle, grant_lifetime: 1_000_000 })
      let { refresh: token } = await firstTokens(tenant, by)
      for (let use = 0; use < 3; use += 1) {
        server.advance(3_590_000)
        token = tokensOf(await refresh(token, {}, by)).refresh
      }
      server.advance(3_600_000)
      expect((await refresh(token, {}, by)).json).toEqual(refused)
    })

    test('with their grant, which no access token outlives', async () => {
      const by = await tenant.client({ ...idle, access_token_lifetime: 900 })
      let { access, refresh: token } = await firstTokens(tenant, by)
      const end = Number(decodeJwt(access).iat) + 9_000
      for (const _ of [1, 2]) {
        server.advance(3_500_000)
        ;({ access, refresh: token } = tokensOf(await refresh(token, {}, by)))
      }
      server.advance((end - 60) * 1_000 - server.now())
      const last = tokensOf(await refresh(token, {}, by))
      expect(decodeJwt(last.access).exp).toBe(end)
      server.advance(end * 1_000 - server.now())
      expect((await refresh(last.refresh, {}, by)).json.error).toBe('invalid_grant')
    })

    test('no later than is said by now, which no access token outlives either', async () => {
      const by = await tenant.client({ ...idle, access_token_lifetime: 900 })
      const { access, refresh: token } = await firstTokens(tenant, by)
      server.advance(1_000_000)
      await server.admin('PATCH', clientPath(by), { grant_lifetime: 1_500 })
      const { access: next } = tokensOf(await refresh(token, {}, by))
      expect(Number(decodeJwt(next).exp) - Number(decodeJwt(access).iat)).toBeLessThanOrEqual(1_500)
    })

    test('at the end that the grant itself has', async () => {
      const notAfter = Math.floor(server.now() / 1_000) + 400
      const first = await tenant.tokenAnswer(client, { not_after: String(notAfter) })
      expect(first.json.expires_in).toBe(300)
      server.advance(200_000)
      const second = await refresh(tokensOf(first).refresh)
      expect(decodeJwt(tokensOf(second).access).exp).toBeLessThanOrEqual(notAfter)
      server.advance(201_000)
      expect((await refresh(tokensOf(second).refresh)).json.error).toBe('invalid_grant')
    })

    test('sooner where the tenant tightens its limit, and not later where it loosens a setting', async () => {
      const other = await createTenant(server, { refresh_token_lifetime: 3_600 })
      const by = await other.client(mayRefresh)
      const path = `/auth-servers/${other.id}`
      const [one, two] = [await firstTokens(other, by), await firstTokens(other, by)]
      const use = (token: string) => refreshAt(`${other.issuer}/token`, by, token)
      server.advance(1_000_000)
      await server.admin('PATCH', path, { limits: { refresh_token_lifetime: 900 } })
      expect((await use(one.refresh)).json.error).toBe('invalid_grant')
      await server.admin('PATCH', path, { limits: {}, refresh_token_lifetime: 10_000 })
      server.advance(3_000_000)
      expect((await use(two.refresh)).json.error).toBe('invalid_grant')
    })

    test('after 30 days by default, and grants after a year', async () => {
      let { refresh: token } = await firstTokens(tenant, client)
      for (let month = 0; month < 12; month += 1) {
        server.advance(30 * day - 60_000)
        token = tokensOf(await refresh(token)).refresh
      }
      server.advance(5 * day + 12 * 60_000)
      expect((await refresh(token)).json.error).toBe('invalid_grant')
      const { refresh: unused } = await firstTokens(tenant, client)
      server.advance(30 * day)
      expect((await refresh(unused)).json.error).toBe('invalid_grant')
    })
  })

  describe('end their grant where one is used again (RFC 9700 section 4.14.2)', () => {
    test('the one before', async () => {
      const first = await firstTokens(tenant, client)
      const second = tokensOf(await refresh(first.refresh))
      expect((await refresh(first.refresh)).json).toEqual(refused)
      expect((await refresh(second.refresh)).json).toEqual(refused)
    })

    test('and it is told in an event, once', async () => {
      const own = await createTenant(server)
      const by = await own.client(mayRefresh)
      const { access, refresh: token } = await firstTokens(own, by, { subject: 'user-1' })
      const again = () => refreshAt(`${own.issuer}/token`, by, token)
      for (const status of [200, 400, 400]) expect((await again()).status).toBe(status)
      const path = `/auth-servers/${own.id}/events?type=refresh_token.reuse_detected`
      const events = async () => (await server.admin('GET', path)).json.items
      await until(async () => JSON.stringify(await events()) !== '[]')
      const { grant_id } = decodeJwt(access)
      expect(await events()).toEqual([
        expect.objectContaining({ client_id: by.id, subject: 'user-1', data: { grant_id } }),
      ])
    })

    test('any before', async () => {
      const first = await firstTokens(tenant, client)
      let last = first.refresh
      for (let use = 0; use < 5; use += 1) last = tokensOf(await refresh(last)).refresh
      expect((await refresh(first.refresh)).json).toEqual(refused)
      expect((await refresh(last)).json).toEqual(refused)
    })

    test('and no other grant, not even of the same client and subject', async () => {
      const [one, two] = [await firstTokens(tenant, client), await firstTokens(tenant, client)]
      await refresh(one.refresh)
      await refresh(one.refresh)
      expect((await refresh(two.refresh)).status).toBe(200)
    })

    test('a used one in the hands of another client ends nothing', async () => {
      const first = await firstTokens(tenant, client)
      const second = tokensOf(await refresh(first.refresh))
      expect((await refresh(first.refresh, {}, await tenant.client(mayRefresh))).json).toEqual(refused)
      expect((await refresh(second.refresh)).status).toBe(200)
    })
  })

  describe('of public clients', () => {
    let id: string
    let key: DpopKey
    beforeAll(async () => {
      const members = { name: 'Public', scopes: ['read'], token_endpoint_auth_methods: ['none', 'client_secret_post'] }
      id = String((await create(server, `/auth-servers/${tenant.id}/clients`, { ...members, ...mayRefresh })).id)
      key = await createDpopKey('ES256', server.now)
    })

    const ask = async (form: Record<string, string>, by?: DpopKey) => {
      const headers = by && { dpop: await by.prove({ htu: `${tenant.issuer}/token` }) }
      return postForm(`${tenant.issuer}/token`, { client_id: id, ...form }, undefined, headers)
    }
    const refreshOf = (token: string) => ({ grant_type: 'refresh_token', refresh_token: token })
    const first = async (by?: DpopKey, more: Record<string, string> = {}) =>
      tokensOf(await ask({ grant_type: 'client_credentials', ...more }, by)).refresh

    test('rotate as others do', async () => {
      const token = await first()
      const next = tokensOf(await ask(refreshOf(token))).refresh
      expect((await ask(refreshOf(token))).json).toEqual(refused)
      expect((await ask(refreshOf(next))).json).toEqual(refused)
    })

    test('are bound to the key that was proven at first (RFC 9449 section 5)', async () => {
      const token = await first(key)
      expect((await ask(refreshOf(token))).json).toEqual(refused)
      expect((await ask(refreshOf(token), await createDpopKey('ES256', server.now))).json).toEqual(refused)
      const answer = await ask(refreshOf(token), key)
      expect(answer.json.token_type).toBe('DPoP')
      expect((await ask(refreshOf(tokensOf(answer).refresh))).json).toEqual(refused)
      // Without the key, not even an earlier one ends the grant.
      expect((await ask(refreshOf(token))).json).toEqual(refused)
      expect((await ask(refreshOf(tokensOf(answer).refresh), key)).status).toBe(200)
    })

    test('are not enough where the client had proven who it is', async () => {
      const { secret } = await newSecret(server, tenant.id, id)
      const token = await first(undefined, { client_secret: secret })
      expect((await ask(refreshOf(token))).json).toEqual(refused)
      expect((await ask({ ...refreshOf(token), client_secret: secret })).status).toBe(200)
    })
  })

  test('of a client that proves who it is go on with another key (RFC 9449 section 5)', async () => {
    const url = `${tenant.issuer}/token`
    const proof = async () => ({ dpop: await (await createDpopKey('ES256', server.now)).prove({ htu: url }) })
    const first = tokensOf(await postForm(url, { grant_type: 'client_credentials' }, client, await proof()))
    const answer = await refreshAt(url, client, first.refresh, {}, await proof())
    expect(answer.json.token_type).toBe('DPoP')
    expect((await refresh(tokensOf(answer).refresh)).json.token_type).toBe('Bearer')
  })

  describe('that end take the access tokens of their grant along', () => {
    test.each(['jwt', 'opaque'])('when one is used again: %s', async (format) => {
      const by = await tenant.client({ ...mayRefresh, access_token_format: format })
      const first = await firstTokens(tenant, by)
      const second = tokensOf(await refresh(first.refresh, {}, by))
      const other = await firstTokens(tenant, by)
      await refresh(first.refresh, {}, by)
      for (const { access } of [first, second]) expect((await tenant.introspect(by, access)).text).toBe(inactive)
      expect((await tenant.introspect(by, other.access)).json.active).toBe(true)
    })

    test.each(['the current one', 'one that has been used'])(
      'when %s is revoked (RFC 7009 section 2.1)',
      async (which) => {
        const first = await firstTokens(tenant, client)
        const second = tokensOf(await refresh(first.refresh))
        const other = await firstTokens(tenant, client)
        const answer = await tenant.revoke(client, which === 'the current one' ? second.refresh : first.refresh)
        expect([answer.status, answer.text]).toEqual([200, ''])
        expect((await refresh(second.refresh)).json).toEqual(refused)
        for (const { access } of [first, second]) expect((await tenant.introspect(client, access)).text).toBe(inactive)
        expect((await tenant.revoke(client, second.refresh)).status).toBe(200)
        expect((await tenant.introspect(client, other.access)).json.active).toBe(true)
        expect((await refresh(other.refresh)).status).toBe(200)
      },
    )

    test('and not when another client asks for it, or one access token is revoked', async () => {
      const { access, refresh: token } = await firstTokens(tenant, client)
      const answer = await tenant.revoke(await tenant.client(mayRefresh), token)
      expect([answer.status, answer.json.error]).toEqual([400, 'unauthorized_client'])
      await tenant.revoke(client, access)
      expect((await tenant.introspect(client, access)).text).toBe(inactive)
      expect((await refresh(token)).status).toBe(200)
    })

    test('for as long as the longest-lived of them, though lifetimes were shortened since', async () => {
      const by = await tenant.client({ ...mayRefresh, access_token_lifetime: 7_200 })
      const first = await firstTokens(tenant, by)
      await server.admin('PATCH', clientPath(by), { access_token_lifetime: 10 })
      const second = tokensOf(await refresh(first.refresh, {}, by))
      await tenant.revoke(by, second.refresh)
      server.advance(7_000_000)
      expect((await tenant.introspect(by, first.access)).text).toBe(inactive)
    })
  })

  describe('are introspected (RFC 7662)', () => {
    test('by their own client, and it learns what they are good for', async () => {
      const { access, refresh: token } = await firstTokens(tenant, client, { subject: 'user-1' })
      const { json } = await tenant.introspect(client, token)
      const { grant_id, iat } = decodeJwt(access)
      const members = { iss: tenant.issuer, sub: 'user-1', client_id: client.id, scope: 'read', grant_id }
      expect(json).toEqual({ active: true, ...members, iat, exp: expect.any(Number) })
      expect(Math.abs(Number(json.exp) - Number(iat) - 30 * 86_400)).toBeLessThan(2)
      expect((await refresh(token)).status).toBe(200)
    })

    test('as inactive by anybody else: nobody takes them for access tokens', async () => {
      const { refresh: token } = await firstTokens(tenant, client)
      for (const members of [mayRefresh, { may_introspect: true }, { introspection_audiences: [tenantAudience] }]) {
        expect((await tenant.introspect(await tenant.client(members), token)).text).toBe(inactive)
      }
    })

    test('as inactive once used, which ends nothing, and once expired', async () => {
      const by = await tenant.client({ ...mayRefresh, refresh_token_lifetime: 3_600 })
      const first = await firstTokens(tenant, by)
      const second = tokensOf(await refresh(first.refresh, {}, by))
      expect((await tenant.introspect(by, first.refresh)).text).toBe(inactive)
      expect((await tenant.introspect(by, second.refresh)).json.active).toBe(true)
      server.advance(3_600_000)
      expect((await tenant.introspect(by, second.refresh)).text).toBe(inactive)
    })
  })

  describe('attacks', () => {
    test('another client presents the token', async () => {
      const { refresh: token } = await firstTokens(tenant, client)
      expect((await refresh(token, {}, await tenant.client(mayRefresh))).json).toEqual(refused)
      expect((await refresh(token)).status).toBe(200)
    })

    test('a client of the same id presents it to another auth server', async () => {
      const other = await createTenant(server)
      const members = { id: 'twin', ...mayRefresh }
      const [here, there] = [await tenant.client(members), await other.client(members)]
      const { refresh: token } = await firstTokens(tenant, here)
      expect((await refreshAt(`${other.issuer}/token`, there, token)).json).toEqual(refused)
      expect((await refresh(token, {}, here)).status).toBe(200)
    })

    test('a client that was disabled goes on refreshing, or takes up again once enabled (CVE-2023-22492)', async () => {
      const by = await tenant.client(mayRefresh)
      const { refresh: token } = await firstTokens(tenant, by)
      await server.admin('PATCH', clientPath(by), { enabled: false })
      expect((await refresh(token, {}, by)).json.error).toBe('invalid_client')
      await server.admin('PATCH', clientPath(by), { enabled: true })
      expect((await refresh(token, {}, by)).json).toEqual(refused)
      server.advance(2 * day)
      expect((await refresh(token, {}, by)).json).toEqual(refused)
    })

    test('a client that lost the grant type goes on refreshing', async () => {
      const by = await tenant.client(mayRefresh)
      const { refresh: token } = await firstTokens(tenant, by)
      await server.admin('PATCH', clientPath(by), { grant_types: ['client_credentials'] })
      expect((await refresh(token, {}, by)).json.error).toBe('unauthorized_client')
      await server.admin('PATCH', clientPath(by), mayRefresh)
      expect((await refresh(token, {}, by)).status).toBe(200)
    })

    test('a revoked subject, or client, goes on refreshing, also when the revocation is forgotten', async () => {
      const kinds = [
        { kind: 'subject', value: 'leaver' },
        { kind: 'client', value: client.id },
      ]
      for (const revocation of kinds) {
        const { access, refresh: token } = await firstTokens(tenant, client, { subject: 'leaver' })
        const created = await server.admin('POST', `/auth-servers/${tenant.id}/revocations`, revocation)
        expect(created.status).toBe(201)
        expect((await refresh(token)).json).toEqual(refused)
        expect((await tenant.introspect(client, access)).text).toBe(inactive)
        server.advance(2 * day)
        expect((await refresh(token)).json).toEqual(refused)
        expect((await refresh((await firstTokens(tenant, client, { subject: 'leaver' })).refresh)).status).toBe(200)
      }
    })

    test('a deleted client comes back under its id', async () => {
      const by = await tenant.client({ id: 'phoenix', ...mayRefresh })
      const { refresh: token } = await firstTokens(tenant, by)
      await server.admin('DELETE', clientPath(by))
      const again = await tenant.client({ id: 'phoenix', ...mayRefresh })
      expect((await refresh(token, {}, again)).json).toEqual(refused)
    })

    test('an access token, or a token of another shape, is taken for a refresh token', async () => {
      const { access } = await firstTokens(tenant, client)
      for (const token of [access, 'x', 'pst_rt_', `pst_rt_${'A'.repeat(96)}`, `pst_at_${'A'.repeat(43)}`]) {
        expect((await refresh(token)).json).toEqual(refused)
      }
      expect((await refresh('')).json.error).toBe('invalid_request')
    })

    test('a refresh token is taken for an access token', async () => {
      const { refresh: token } = await firstTokens(tenant, client)
      const answer = await fetch(`${server.origin}/admin/v1/organizations`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(answer.status).toBe(401)
      expect((await tenant.introspect(await tenant.client({ may_introspect: true }), token)).text).toBe(inactive)
    })

    test('somebody who knows a grant by its access token ends it with an invented token', async () => {
      const { access, refresh: token } = await firstTokens(tenant, client)
      const grant = Buffer.from(String(decodeJwt(access).grant_id), 'base64url')
      const invented = `pst_rt_${Buffer.concat([grant, Buffer.alloc(56)]).toString('base64url')}`
      expect((await refresh(invented)).json).toEqual(refused)
      expect((await refresh(token)).status).toBe(200)
    })

    test('the token is changed, cut, lengthened or spelled otherwise', async () => {
      const { refresh: token } = await firstTokens(tenant, client)
      const bytes = Buffer.from(token.slice(7), 'base64url')
      const flipped = Array.from(bytes.keys(), (index) => {
        const copy = Buffer.from(bytes)
        copy[index] = (copy[index] ?? 0) ^ (1 << (index % 8))
        return `pst_rt_${copy.toString('base64url')}`
      })
      const others = [
        token.slice(0, -1),
        token.slice(0, -4),
        `${token}A`,
        `${token}=`,
        `${token}==`,
        `${token}AAAA`,
        ` ${token}`,
        `${token} `,
        token.slice(7),
        token.toUpperCase(),
        `pst_rt_${bytes.toString('base64')}=`,
        `pst_rt_${bytes.toString('hex')}`,
      ]
      for (const changed of [...flipped, ...others]) expect((await refresh(changed)).json).toEqual(refused)
      expect((await refresh(token)).status).toBe(200)
    })
  })
})
