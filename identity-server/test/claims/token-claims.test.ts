import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ClaimDefinition } from '../../src/claims/claim.ts'
import { compileClaimSet } from '../../src/claims/claim-set.ts'
import { createTokenClaims } from '../../src/claims/token-claims.ts'
import { databases } from '../support/databases.ts'
import type { Credentials } from '../support/http.ts'
import { postForm } from '../support/http.ts'
import { startHttpHost } from '../support/https-host.ts'
import { authServer, client } from '../support/parties.ts'
import { mayRefresh, refreshAt, tokensOf, withRefreshTokens } from '../support/refreshing.ts'
import type { TestServer } from '../support/server.ts'
import { create, createTenant, type Tenant, tenantAudience, useTenant } from '../support/tenant.ts'

const environment = { POSTERN_OUTGOING_PRIVATE: 'true' }

describe('a claim that cannot be made is recorded', () => {
  const billing = { ...client, id: 'billing', name: 'Billing' }
  const subject = { client_id: 'billing', subject: 'alice' }
  const token = { sub: 'alice', scope: 'read' }

  function tokenClaims(members: Partial<ClaimDefinition>) {
    const recorded: unknown[] = []
    const definition = { name: 'level', value: '${int(subject)}', condition: null, optional: false, ...members }
    const set = compileClaimSet([{ placements: ['introspection'], ...definition }], [])
    const events = { record: (id: string, event: object) => void recorded.push({ id, ...event }) }
    const { introspect } = createTokenClaims(() => set, events)
    return { recorded, introspect: async () => introspect({ authServer, client: billing, now: 0 }, token) }
  }
  const event = (omitted: boolean) => ({
    id: 'acme',
    type: 'claim.failed',
    ...subject,
    claim: 'level',
    reason: 'int_conversion_error (at character 2 of value)',
    omitted,
  })

  test('where it refuses', async () => {
    const { recorded, introspect } = tokenClaims({})
    await expect(introspect()).rejects.toMatchObject({ name: 'ClaimError', claim: 'level' })
    expect(recorded).toEqual([event(false)])
  })

  test('where it is left out', async () => {
    const { recorded, introspect } = tokenClaims({ optional: true })
    expect(await introspect()).toEqual(token)
    expect(recorded).toEqual([event(true)])
  })
})

describe.each(databases)('claims in tokens and introspection, on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials
  let opaque: Credentials

  useTenant(
    start,
    (bench) => {
      server = bench.server
    },
    { ...withRefreshTokens, environment },
  )
  beforeEach(async () => {
    tenant = await createTenant(server)
    client = await tenant.client({ id: 'billing', name: 'Billing', may_introspect: true })
    opaque = await tenant.client({ access_token_format: 'opaque' })
  })

  const claim = (name: string, value: unknown, members: object = {}) =>
    create(server, `/auth-servers/${tenant.id}/claims`, { name, value, ...members })
  const source = (name: string, members: object) =>
    create(server, `/auth-servers/${tenant.id}/attribute-sources`, { name, ...members })
  const claimsOf = async (by = client, form: Record<string, string> = {}) => decodeJwt(await tenant.token(by, form))
  const told = async (token: string) => (await tenant.introspect(client, token)).json

  test('an access token holds what was defined, made for its client, scopes and organization', async () => {
    await claim('https://acme.example/client', { id: '${client.id}', name: '${client.name}' })
    await claim('grants', '${grant} by ${subject} at ${auth_server.id}')
    await claim('in', '${organization.path.map(o, o.name)}')
    await claim('can', '${scopes}')
    await claim('writer', true, { condition: '"write" in scopes' })
    await claim('iat_again', '${int(now)}')
    const claims = await claimsOf(client, { scope: 'read' })
    expect(claims).toMatchObject({
      'https://acme.example/client': { id: 'billing', name: 'Billing' },
      grants: `client_credentials by billing at ${tenant.id}`,
      in: ['Root', 'Acme'],
      can: ['read'],
      iat_again: claims.iat,
    })
    expect(claims).not.toHaveProperty('writer')
    expect(await claimsOf(client, { scope: 'read write' })).toMatchObject({ writer: true })
  })

  test('changes hold from the next token on', async () => {
    expect(await claimsOf()).not.toHaveProperty('plan')
    await claim('plan', 'free')
    expect(await claimsOf()).toMatchObject({ plan: 'free' })
    await server.admin('PATCH', `/auth-servers/${tenant.id}/claims/plan`, { value: 'gold' })
    expect(await claimsOf()).toMatchObject({ plan: 'gold' })
    await server.admin('DELETE', `/auth-servers/${tenant.id}/claims/plan`)
    expect(await claimsOf()).not.toHaveProperty('plan')
  })

  test('an exchanged token knows the one that it was exchanged for, and what the request asked for', async () => {
    await claim('plan', 'gold', { condition: 'subject_token == null' })
    await claim('plan_of_caller', '${subject_token.plan}', { condition: 'subject_token != null' })
    await claim('asked', '${request.audience + request.resource}')
    const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
    const api = await tenant.client({
      grant_types: [grantType],
      resources: ['urn:back', 'https://back.example'],
      token_exchange: { delegation: 'any', audiences: [tenantAudience] },
    })
    const { json } = await tenant.tokenAnswer(api, {
      grant_type: grantType,
      subject_token: await tenant.token(client),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'urn:back',
      resource: 'https://back.example',
    })
    const claims = decodeJwt(String(json.access_token))
    expect(claims).toMatchObject({ plan_of_caller: 'gold', asked: ['urn:back', 'https://back.example'] })
    expect(claims).not.toHaveProperty('plan')
  })

  test('they belong to one auth server', async () => {
    await claim('plan', 'free')
    const other = await createTenant(server)
    expect(decodeJwt(await other.token(await other.client()))).not.toHaveProperty('plan')
  })

  describe.each([
    ['JWT', () => client],
    ['opaque token', () => opaque],
  ])('what is listed for one place does not leak into another (%s)', (_format, by) => {
    beforeEach(async () => {
      await claim('both', '${subject}')
      await claim('in_token', 1, { placements: ['access_token'] })
      await claim('asked', 'by ${client.id} for ${scopes.join(" ")}', { placements: ['introspection'] })
      await claim('elsewhere', 1, { placements: ['userinfo', 'id_token'] })
    })

    test('introspection tells what lists it', async () => {
      const answer = await told(await tenant.token(by()))
      expect(answer).toMatchObject({ active: true, both: by().id, asked: `by ${by().id} for read` })
      for (const name of ['in_token', 'elsewhere']) expect(answer).not.toHaveProperty(name)
    })

    test('what introspection makes follows changes, what the token holds does not', async () => {
      const token = await tenant.token(by())
      for (const name of ['both', 'asked']) {
        await server.admin('PATCH', `/auth-servers/${tenant.id}/claims/${name}`, { value: 'changed' })
      }
      expect(await told(token)).toMatchObject({ both: by().id, asked: 'changed' })
    })

    test('what is no longer listed is no longer told, though the token holds it', async () => {
      const token = await tenant.token(by())
      const path = `/auth-servers/${tenant.id}/claims`
      await server.admin('PATCH', `${path}/both`, { placements: ['access_token'] })
      expect(await told(token)).not.toHaveProperty('both')
      for (const name of ['both', 'in_token', 'asked', 'elsewhere']) await server.admin('DELETE', `${path}/${name}`)
      const answer = await told(token)
      expect(answer).toMatchObject({ active: true, sub: by().id, client_id: by().id })
      for (const name of ['both', 'in_token', 'asked']) expect(answer).not.toHaveProperty(name)
    })

    test('signed answers hold the same', async () => {
      const token = await tenant.token(by())
      const accept = 'application/token-introspection+jwt'
      const { text } = await postForm(`${tenant.issuer}/introspect`, { token }, client, { accept })
      const answer = decodeJwt(text).token_introspection
      expect(answer).toMatchObject({ active: true, both: by().id })
      expect(answer).not.toHaveProperty('in_token')
    })
  })

  test('a JWT holds only what is listed for it', async () => {
    await claim('asked', 1, { placements: ['introspection'] })
    await claim('elsewhere', 1, { placements: ['userinfo', 'id_token'] })
    const claims = await claimsOf()
    for (const name of ['asked', 'elsewhere']) expect(claims).not.toHaveProperty(name)
  })

  describe('a claim that cannot be made', () => {
    const refusal = { error: 'server_error', error_description: 'claim level could not be made' }

    test.each([
      ['JWT', () => client],
      ['opaque token', () => opaque],
    ])('refuses the %s, and the log tells why without any data', async (_format, by) => {
      await claim('level', '${int(client.name)}')
      const answer = await tenant.tokenAnswer(by())
      expect(answer.status).toBe(500)
      expect(answer.json).toEqual(refusal)
      expect(server.logs()).toContain('int_conversion_error (at character 2 of value)')
      // Repaired, it is no longer in the way.
      await server.admin('PATCH', `/auth-servers/${tenant.id}/claims/level`, { value: '${size(client.name)}' })
      expect((await tenant.tokenAnswer(by())).status).toBe(200)
    })

    test('refuses introspection that should tell it', async () => {
      const token = await tenant.token(client)
      await claim('level', '${int(client.name)}', { placements: ['introspection'] })
      expect((await tenant.introspect(client, token)).json).toEqual(refusal)
      expect((await tenant.tokenAnswer(client)).status).toBe(200)
    })

    test('is left out where it is optional', async () => {
      await claim('level', '${int(client.name)}', { optional: true })
      await claim('other', 1)
      const claims = await claimsOf()
      expect(claims).toMatchObject({ other: 1 })
      expect(claims).not.toHaveProperty('level')
    })

    test('does not matter where its condition does not hold', async () => {
      await claim('level', '${int(client.name)}', { condition: '"write" in scopes' })
      expect((await tenant.tokenAnswer(client, { scope: 'read' })).status).toBe(200)
      expect((await tenant.tokenAnswer(client, { scope: 'write' })).json).toEqual(refusal)
    })

    test('uses no refresh token up', async () => {
      const refreshing = await tenant.client(mayRefresh)
      const { refresh } = tokensOf(await tenant.tokenAnswer(refreshing, { subject: 'alice' }))
      await claim('level', '${int(subject)}')
      const use = () => refreshAt(`${tenant.issuer}/token`, refreshing, refresh)
      expect((await use()).json).toEqual(refusal)
      await server.admin('DELETE', `/auth-servers/${tenant.id}/claims/level`)
      expect((await use()).status).toBe(200)
    })
  })

  describe('attributes', () => {
    let host: Awaited<ReturnType<typeof startHttpHost>>
    let asked: string[]
    let status: number

    beforeAll(async () => {
      host = await startHttpHost((request, response) => {
        asked.push(request.url ?? '')
        const body = JSON.stringify({ team: `team of ${request.url}` })
        setTimeout(() => response.writeHead(status, { 'content-type': 'application/json' }).end(body), 20)
      })
    })
    afterAll(() => host.close())
    beforeEach(async () => {
      asked = []
      status = 200
      await source('directory', { http: { url: `${host.origin}/users/\${subject}` } })
      await claim('team', '${attributes.directory.team}')
    })

    test('come from a service, asked once for many tokens at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => claimsOf()))
      expect(new Set(answers.map(({ team }) => team))).toEqual(new Set(['team of /users/billing']))
      expect(asked).toEqual(['/users/billing'])
      await claimsOf(await tenant.client({ id: 'other' }))
      expect(asked).toEqual(['/users/billing', '/users/other'])
    })

    test('are asked for anew when their time is over, or the source has changed', async () => {
      await claimsOf()
      server.advance(61_000)
      await claimsOf()
      await server.admin('PATCH', `/auth-servers/${tenant.id}/attribute-sources/directory`, { on_failure: 'omit' })
      await claimsOf()
      expect(asked).toHaveLength(3)
    })

    test('that cannot be had refuse the token, with the advice to try again', async () => {
      status = 503
      const answer = await tenant.tokenAnswer(client)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(answer.json).toEqual({
        error: 'temporarily_unavailable',
        error_description: 'claim team could not be made',
      })
      status = 200
      expect(await claimsOf()).toHaveProperty('team')
    })

    test('that may be missing are null', async () => {
      status = 503
      const path = `/auth-servers/${tenant.id}`
      await server.admin('PATCH', `${path}/attribute-sources/directory`, { on_failure: 'omit' })
      await server.admin('PATCH', `${path}/claims/team`, { value: '${attributes.directory.?team.orValue("none")}' })
      expect(await claimsOf()).toMatchObject({ team: 'none' })
    })

    test('are not asked for where no claim that applies needs them', async () => {
      await server.admin('PATCH', `/auth-servers/${tenant.id}/claims/team`, { condition: '"write" in scopes' })
      status = 503
      expect((await tenant.tokenAnswer(client, { scope: 'read' })).status).toBe(200)
      expect(asked).toEqual([])
    })

    test('of a table follow the client', async () => {
      await source('plans', { static: { data: { billing: { tier: 'gold' } }, key: 'client.id' } })
      await claim('tier', '${attributes.plans.?tier.orValue("free")}')
      expect(await claimsOf()).toMatchObject({ tier: 'gold' })
      expect(await claimsOf(await tenant.client({ id: 'other' }))).toMatchObject({ tier: 'free' })
    })
  })
})
