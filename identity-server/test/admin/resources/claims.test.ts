import { describe, expect, test } from 'vitest'
import { databases } from '../../support/databases.ts'
import { postForm } from '../../support/http.ts'
import type { TestServer } from '../../support/server.ts'
import { create, createTenant, type Tenant, useTenant } from '../../support/tenant.ts'

describe.each(databases)('claims on the admin API, on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const path = (name = '') => `/auth-servers/${tenant.id}/claims${name && `/${encodeURIComponent(name)}`}`
  const claim = (members: object) => ({ name: 'role', value: 'x', ...members })

  test.each<[what: string, body: object, detail: string]>([
    [
      'a value with an unknown variable',
      claim({ value: { a: ['', 'is ${clientt.id}'] } }),
      'claim role: Unknown variable: clientt (at character 5 of value/a/1)',
    ],
    ['a value that does not parse', claim({ value: '${1 +}' }), 'claim role: Unexpected token'],
    [
      'a condition that is no boolean',
      claim({ condition: 'client.id + "x"' }),
      'claim role: a condition is true or false, and this is string (at character 0 of condition)',
    ],
    [
      'an unknown source',
      claim({ value: '${attributes.plan}' }),
      'claim role: there is no attribute source plan (at character 2 of value)',
    ],
    [
      'a reserved name',
      claim({ name: 'sub' }),
      'claim sub: the name is reserved for the authorization server (of name)',
    ],
    ['a reserved name in another case', claim({ name: 'Exp' }), 'claim Exp: the name is reserved'],
    ['a prototype', claim({ name: '__proto__' }), 'claim __proto__: the name is not allowed'],
    [
      'regular expressions',
      claim({ condition: 'client.id.matches("(a+)+$")' }),
      'claim role: there is no method matches with 1 arguments here',
    ],
    ['NUL', claim({ value: { a: '\0' } }), 'claim role: the text is no Unicode text'],
  ])('%s: refused with place and reason', async (_what, body, detail) => {
    const answer = await server.admin('POST', path(), body)
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ code: 'invalid_expression', detail: expect.stringContaining(detail) })
    expect((await server.admin('GET', path())).json.items).toEqual([])
  })

  test.each<[what: string, body: object]>([
    ['no value', { name: 'role' }],
    ['no placement', claim({ placements: [] })],
    ['an unknown placement', claim({ placements: ['header'] })],
    ['a placement twice', claim({ placements: ['userinfo', 'userinfo'] })],
    ['a name with a space', claim({ name: 'a b' })],
    ['a quoted name', claim({ name: 'a"b' })],
    ['an empty name', claim({ name: '' })],
    ['an empty condition', claim({ condition: '' })],
    ['an unknown member', claim({ reserved: true })],
  ])('%s: refused', async (_what, body) => {
    expect((await server.admin('POST', path(), body)).json).toMatchObject({ code: 'invalid_request' })
  })

  test('a change is checked as a whole, and a refused one changes nothing', async () => {
    const { id } = await createTenant(server)
    const below = `/auth-servers/${id}/claims`
    await create(server, below, claim({ value: '${request.resource}' }))
    const change = await server.admin('PATCH', `${below}/role`, { placements: ['introspection'] })
    expect(change.json).toMatchObject({
      code: 'invalid_expression',
      detail: expect.stringContaining('request is known at issuance only'),
    })
    expect((await server.admin('GET', `${below}/role`)).json).toMatchObject({
      value: '${request.resource}',
      placements: ['access_token', 'introspection'],
    })
  })

  test('any JSON comes back as it was given', async () => {
    const { id } = await createTenant(server)
    const value = { z: 1.5, a: [null, true, '', { 'b/c~': 'ä€😀' }], '': 0, constructor: 1 }
    await create(server, `/auth-servers/${id}/claims`, claim({ value }))
    const { text } = await server.admin('GET', `/auth-servers/${id}/claims/role`)
    expect(text).toContain(JSON.stringify(value))
  })

  test('there are at most 50, also where many are created at once', async () => {
    const { id } = await createTenant(server)
    const attempts = Array.from({ length: 60 }, (_, index) =>
      server.admin('POST', `/auth-servers/${id}/claims`, claim({ name: `c${index}` })),
    )
    const statuses = (await Promise.all(attempts)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(50)
    expect(statuses.filter((status) => status === 409)).toHaveLength(10)
  })

  test('all of an auth server together have a bound', async () => {
    const { id } = await createTenant(server)
    const statuses: number[] = []
    for (let index = 0; index < 6; index += 1) {
      const body = claim({ name: `c${index}`, value: 'x'.repeat(15_000) })
      statuses.push((await server.admin('POST', `/auth-servers/${id}/claims`, body)).status)
    }
    expect(statuses).toEqual([201, 201, 201, 201, 409, 409])
  })

  test('the system auth server has none: a failing one would lock everybody out', async () => {
    const answer = await server.admin('POST', '/auth-servers/system/claims', claim({}))
    expect(answer.json).toMatchObject({ code: 'protected' })
    const source = { name: 'plans', static: { data: {} } }
    expect((await server.admin('POST', '/auth-servers/system/attribute-sources', source)).json).toMatchObject({
      code: 'protected',
    })
  })

  describe('a rehearsal', () => {
    const evaluate = (body: object) => server.admin('POST', path('evaluate'), body)

    test('tells of each draft what becomes of it, and stores nothing', async () => {
      const draft = (name: string, value: unknown, members: object = {}) => ({ name, value, ...members })
      const { status, json } = await evaluate({
        claims: [
          draft('a', { id: '${client.id}', in: '${organization.path.map(o, o.name)}' }),
          draft('b', 1, { condition: 'grant == "other"' }),
          draft('c', '${subject_token.level + 1.0}', { placements: ['access_token'] }),
          draft('d', '${subject_token.none}', { optional: true }),
          draft('e', '${nobody}', { placements: ['id_token'] }),
          draft('f', '${attributes.plan.tier} ${now}', { placements: ['userinfo'] }),
          draft('sub', 1, { placements: ['id_token'] }),
        ],
        context: {
          client: { id: 'billing', name: 'Billing' },
          subject_token: { level: 3 },
          now: '2026-01-02T03:04:05Z',
        },
        attributes: { plan: { tier: 'gold' } },
      })
      expect(status).toBe(200)
      expect(json.claims).toEqual([
        { name: 'a', status: 'made', value: { id: 'billing', in: ['Root', 'Acme'] } },
        { name: 'b', status: 'not_applicable' },
        { name: 'c', status: 'made', value: 4 },
        {
          name: 'd',
          status: 'omitted',
          error: { code: 'no_such_key', message: 'No such key: none (at character 16 of value)' },
        },
        {
          name: 'e',
          status: 'failed',
          error: { code: 'unknown_variable', message: 'Unknown variable: nobody (at character 2 of value)' },
        },
        { name: 'sub', status: 'failed', error: { code: 'name_not_allowed', message: expect.any(String) } },
        { name: 'f', status: 'made', value: 'gold 2026-01-02T03:04:05.000Z' },
      ])
      const made = { id: 'billing', in: ['Root', 'Acme'] }
      expect(json.placements).toEqual({
        access_token: { claims: { a: made, c: 4 }, omitted: ['d'], failed: [] },
        introspection: { claims: { a: made }, omitted: ['d'], failed: [] },
        id_token: { claims: null, omitted: [], failed: ['e', 'sub'] },
        userinfo: { claims: { f: 'gold 2026-01-02T03:04:05.000Z' }, omitted: [], failed: [] },
      })
      expect((await server.admin('GET', path())).json.items).toEqual([])
    })

    test('takes the stored claims and sources where none are given', async () => {
      const { id } = await createTenant(server)
      await create(server, `/auth-servers/${id}/attribute-sources`, {
        name: 'plans',
        static: { data: { acme: 'gold' }, key: 'client.id' },
      })
      await create(server, `/auth-servers/${id}/claims`, claim({ value: '${attributes.plans}' }))
      const run = async (clientId: string) =>
        (
          await server.admin('POST', `/auth-servers/${id}/claims/evaluate`, {
            context: { client: { id: clientId, name: '' } },
          })
        ).json.claims
      expect(await run('acme')).toEqual([{ name: 'role', status: 'made', value: 'gold' }])
      expect(await run('other')).toEqual([{ name: 'role', status: 'made', value: null }])
    })

    test('refuses a context that there cannot be', async () => {
      for (const body of [
        { context: { user: 'x' } },
        { context: { now: 'yesterday' } },
        { context: { scopes: 'read' } },
        { claims: [{ name: 'a' }] },
        { claims: Array.from({ length: 51 }, () => ({ name: 'a', value: 1 })) },
      ]) {
        expect((await evaluate(body)).json).toMatchObject({ code: 'invalid_request' })
      }
    })

    test('may be costly no more than a token may', async () => {
      const value = `\${scopes.map(a, scopes.map(b, scopes.map(c, scopes.map(d, a + b + c + d))))}`
      const scopes = Array.from({ length: 900 }, (_, index) => `s${index}`)
      const begun = performance.now()
      const { json } = await evaluate({ claims: [{ name: 'a', value }], context: { scopes } })
      expect(json.claims).toMatchObject([{ status: 'failed', error: { code: 'too_costly' } }])
      expect(performance.now() - begun).toBeLessThan(2_000)
    })

    test('needs the scope to write, as sources are asked with their credentials', async () => {
      const token = await server.adminToken({ scope: 'admin:read' })
      const answer = await fetch(`${server.origin}/admin/v1${path('evaluate')}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{}',
      })
      expect(answer.status).toBe(403)
    })

    test('is of the admin’s own auth servers', async () => {
      expect((await server.admin('POST', '/auth-servers/nobodys/claims/evaluate', {})).status).toBe(404)
    })
  })

  test('forms are refused', async () => {
    const answer = await postForm(`${server.origin}/admin/v1${path()}`, { name: 'role' })
    expect(answer.status).toBe(401)
  })
})
