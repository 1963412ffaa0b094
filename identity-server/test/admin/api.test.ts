import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { postForm, send, sendRaw } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { create, createTenant, type Tenant, useTenant } from '../support/tenant.ts'

const unknownId = '00000000-0000-4000-8000-000000000000'

describe.each(databases)('the admin API on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  const below = (path: string) => `/auth-servers/${tenant.id}${path}`
  const itemsOf = ({ json }: { json: Record<string, unknown> }): Record<string, unknown>[] =>
    Array.isArray(json.items) ? json.items : []

  describe('create, read, list, update, delete', () => {
    const newClient = async () => String((await create(server, below('/clients'), { name: 'For secrets' })).id)
    const resources: {
      name: string
      collection: () => Promise<string>
      key: string
      body: () => Record<string, unknown>
      view: Record<string, unknown>
      change: Record<string, unknown>
    }[] = [
      {
        name: 'organization',
        collection: async () => '/organizations',
        key: 'id',
        body: () => ({ name: 'A', parent_id: tenant.organization }),
        view: { name: 'A' },
        change: { name: 'B' },
      },
      {
        name: 'auth server',
        collection: async () => '/auth-servers',
        key: 'id',
        body: () => ({ organization_id: tenant.organization, name: 'A', audience: 'urn:a' }),
        view: { name: 'A', audience: 'urn:a', description: '', access_token_lifetime: 300, signing_algorithm: 'ES256' },
        change: { name: 'B', description: 'text', audience: 'urn:b', access_token_lifetime: 10 },
      },
      {
        name: 'scope',
        collection: async () => below('/scopes'),
        key: 'name',
        body: () => ({ name: 'https://example.com/all?x=1#y' }),
        view: { description: '', is_default: false, include_in_metadata: false },
        change: { description: 'text', is_default: true, include_in_metadata: true },
      },
      {
        name: 'claim',
        collection: async () => below('/claims'),
        key: 'name',
        body: () => ({ name: 'https://example.com/role', value: { a: ['${client.id}', null, 1] } }),
        view: { description: '', condition: null, placements: ['access_token', 'introspection'], optional: false },
        change: { description: 'text', value: null, condition: 'true', placements: ['userinfo'], optional: true },
      },
      {
        name: 'attribute source',
        collection: async () => below('/attribute-sources'),
        key: 'name',
        body: () => ({ name: 'plans', static: { data: { acme: { tier: 'gold' } }, key: 'client.id' } }),
        view: { on_failure: 'fail', has_credential: false },
        change: { on_failure: 'omit', static: { data: { acme: 1, '': [] } } },
      },
      {
        name: 'client',
        collection: async () => below('/clients'),
        key: 'id',
        body: () => ({ name: 'A' }),
        view: {
          name: 'A',
          enabled: true,
          grant_types: ['client_credentials'],
          token_endpoint_auth_methods: ['client_secret_basic', 'client_secret_post'],
          scopes: [],
          audience: null,
          access_token_lifetime: null,
          may_introspect: false,
        },
        change: { name: 'B', enabled: false, scopes: ['read'], audience: 'urn:c', access_token_lifetime: 5 },
      },
      {
        name: 'client secret',
        collection: async () => below(`/clients/${await newClient()}/secrets`),
        key: 'id',
        body: () => ({ name: 'A' }),
        view: { name: 'A', expires_at: null },
        change: { name: 'B', expires_at: '2030-01-02T03:04:05.000Z' },
      },
    ]

    test.each(resources)('$name', async ({ collection, key, body, view, change }) => {
      const path = await collection()
      const created = await server.admin('POST', path, body())
      expect(created.status).toBe(201)
      expect(created.json).toMatchObject(view)
      const { secret: _, ...shown } = created.json
      const item = `${path}/${encodeURIComponent(String(created.json[key]))}`

      expect((await server.admin('GET', item)).json).toEqual(shown)
      expect(itemsOf(await server.admin('GET', `${path}?limit=999`))).toContainEqual(shown)

      const changed = await server.admin('PATCH', item, change)
      expect(changed.status).toBe(200)
      expect(changed.json).toEqual({ ...shown, ...change, updated_at: changed.json.updated_at })
      expect((await server.admin('GET', item)).json).toEqual(changed.json)

      expect((await server.admin('DELETE', item)).status).toBe(204)
      for (const [method, sent] of [['GET'], ['DELETE'], ['PATCH', change]] as const) {
        const gone = await server.admin(method, item, sent)
        expect([gone.status, gone.json.code]).toEqual([404, 'not_found'])
      }
    })
  })

  test('lists in pages that join without gap or repetition', async () => {
    const other = await createTenant(server)
    const names = Array.from({ length: 7 }, (_, index) => `s${index}`)
    for (const name of names) await create(server, `/auth-servers/${other.id}/scopes`, { name })
    const seen: unknown[] = []
    let next: unknown = ''
    let pages = 0
    while (next !== null) {
      const after = next ? `&after=${encodeURIComponent(String(next))}` : ''
      const page = await server.admin('GET', `/auth-servers/${other.id}/scopes?limit=4${after}`)
      seen.push(...itemsOf(page).map((item) => item.name))
      next = page.json.next
      pages += 1
    }
    expect(seen).toEqual(['read', ...names, 'write'])
    expect(pages).toBe(3)
  })

  describe('refuses with the standard problem', () => {
    const cases: [name: string, status: number, code: string, method: string, path: () => string, body?: unknown][] = [
      ['an unknown member', 400, 'invalid_request', 'POST', () => '/organizations', { nme: 'x', name: 'y' }],
      ['a missing member', 400, 'invalid_request', 'POST', () => '/organizations', {}],
      ['a wrong type, without converting it', 400, 'invalid_request', 'POST', () => '/organizations', { name: 7 }],
      ['an array in place of the body', 400, 'invalid_request', 'POST', () => '/organizations', []],
      ['no body', 400, 'invalid_request', 'POST', () => '/organizations'],
      ['an empty change', 400, 'invalid_request', 'PATCH', () => below(''), {}],
      ['a change of what cannot change', 400, 'invalid_request', 'PATCH', () => below(''), { id: 'other' }],
      ['a NUL character', 400, 'invalid_request', 'POST', () => '/organizations', { name: 'a\u0000b' }],
      ['a NUL character in the path', 400, 'invalid_request', 'GET', () => below('/clients/%00')],
      ['a broken path', 400, 'invalid_request', 'GET', () => below('/clients/%zz')],
      ['an over-long path parameter', 404, 'not_found', 'GET', () => below(`/clients/${'x'.repeat(2_000)}`)],
      ['a page that is too large', 400, 'invalid_request', 'GET', () => '/organizations?limit=1000'],
      ['an unknown query parameter', 400, 'invalid_request', 'GET', () => '/organizations?page=2'],
      ['an id that is taken', 409, 'conflict', 'POST', () => '/auth-servers', 'taken'],
      ['a reserved id', 409, 'conflict', 'POST', () => '/auth-servers', 'admin'],
      ['an id with a slash', 400, 'invalid_request', 'POST', () => '/auth-servers', 'a/b'],
      ['a scope that is there already', 409, 'conflict', 'POST', () => below('/scopes'), { name: 'read' }],
      ['a scope with a space', 400, 'invalid_request', 'POST', () => below('/scopes'), { name: 'a b' }],
      ['an unknown parent', 422, 'unknown_reference', 'POST', () => '/organizations', { name: 'x', parent_id: 'no' }],
      ['an unknown scope', 422, 'unknown_reference', 'POST', () => below('/clients'), { name: 'x', scopes: ['no'] }],
      ['an unknown grant', 400, 'invalid_request', 'POST', () => below('/clients'), { name: 'x', grant_types: ['no'] }],
      ['a lifetime of zero', 400, 'invalid_request', 'PATCH', () => below(''), { access_token_lifetime: 0 }],
      ['an unknown auth server', 404, 'not_found', 'GET', () => '/auth-servers/unknown/clients'],
      ['an unknown client', 404, 'not_found', 'GET', () => below(`/clients/${unknownId}/secrets`)],
      ['an unknown path', 404, 'not_found', 'GET', () => '/nothing'],
      ['an organization in use', 409, 'in_use', 'DELETE', () => `/organizations/${tenant.organization}`],
      ['the end of the root', 409, 'protected', 'DELETE', () => '/organizations/root'],
      ['the end of the system auth server', 409, 'protected', 'DELETE', () => '/auth-servers/system'],
      ["the system's audience changed", 409, 'protected', 'PATCH', () => '/auth-servers/system', { audience: 'x' }],
      ["the system's scope gone", 409, 'protected', 'DELETE', () => '/auth-servers/system/scopes/admin:write'],
    ]
    test.each(cases)('%s', async (_name, status, code, method, path, body) => {
      const authServer = (id: string) => ({ organization_id: tenant.organization, name: 'x', audience: 'x', id })
      const sent = typeof body === 'string' ? authServer(body === 'taken' ? tenant.id : body) : body
      const answer = await server.admin(method, path(), sent)
      expect([answer.status, answer.json.code]).toEqual([status, code])
      expect(answer.json).toMatchObject({ type: `urn:postern:problem:${code}`, status, title: expect.any(String) })
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(answer.headers.get('cache-control')).toBe('no-store')
    })

    test('an auth server below an unknown organization', async () => {
      const body = { organization_id: 'no', name: 'x', audience: 'x', id: 'orphan' }
      const answer = await server.admin('POST', '/auth-servers', body)
      expect([answer.status, answer.json.code]).toEqual([422, 'unknown_reference'])
      expect((await server.admin('GET', '/auth-servers/orphan')).status).toBe(404)
    })

    test('a date that no database knows', async () => {
      const client = await tenant.client()
      const body = { name: 'x', expires_at: '0000-01-01T00:00:00Z' }
      const answer = await server.admin('POST', below(`/clients/${client.id}/secrets`), body)
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    })

    test('naming the member that is wrong, and not its value', async () => {
      const unknown = await server.admin('POST', '/organizations', { name: 'x', nme: 'hidden-value' })
      expect(unknown.json.detail).toBe('body must NOT have additional properties: "nme"')
      const wrong = await server.admin('PATCH', below(''), { access_token_lifetime: 'hidden-value' })
      expect(wrong.json.detail).toBe('body/access_token_lifetime must be integer')
      expect(unknown.text + wrong.text).not.toContain('hidden-value')
    })

    const raw = async (body: string, headers: Record<string, string> = {}) =>
      send(`${server.origin}/admin/v1/organizations`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await server.adminToken()}`,
          ...headers,
        },
      })

    test('malformed JSON', async () => {
      const answer = await raw('{"name": "x"')
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    })
    test('JSON that would poison a prototype', async () => {
      const answer = await raw('{"name": "x", "__proto__": {"a": 1}}')
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    })
    test('another content type', async () => {
      const answer = await raw('<name>x</name>', { 'content-type': 'application/xml' })
      expect([answer.status, answer.json.code]).toEqual([415, 'unsupported_media_type'])
    })
    test('a body of 1 MB', async () => {
      const answer = await raw(JSON.stringify({ name: 'x'.repeat(1_000_000) }))
      expect([answer.status, answer.json.code]).toEqual([413, 'body_too_large'])
    })
  })

  describe('asks for a token before it looks at the body', () => {
    const request = (authorization?: string, method = 'POST') =>
      send(`${server.origin}/admin/v1/organizations`, {
        method,
        ...(method === 'POST' && { body: '{ malformed' }),
        headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
      })

    test('none: a challenge without an error (RFC 6750 section 3.1)', async () => {
      const answer = await request()
      expect([answer.status, answer.json.code]).toEqual([401, 'unauthorized'])
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer realm="postern admin", DPoP realm="postern admin", algs="/,
      )
    })
    test('another scheme', async () => {
      expect((await request('Basic YTpi')).headers.get('www-authenticate')).toMatch(
        /^Bearer realm="postern admin", DPoP /,
      )
    })
    test('a malformed one', async () => {
      const answer = await request('Bearer a b')
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_request"')
    })
    test('a right one twice: which of two would count, others may see otherwise', async () => {
      const { hostname, port } = new URL(server.origin)
      const line = `authorization: Bearer ${await server.adminToken()}\r\n`
      const ask = (lines: string) =>
        sendRaw(
          server.origin,
          `GET /admin/v1/organizations HTTP/1.1\r\nhost: ${hostname}:${port}\r\nconnection: close\r\n${lines}\r\n`,
        )
      expect(await ask(line)).toMatch(/^HTTP\/1.1 200 /)
      for (const lines of [line + line, `${line}authorization: Basic YTpi\r\n`]) {
        const answer = await ask(lines)
        expect(answer).toMatch(/^HTTP\/1.1 401 /)
        expect(answer).toContain('error="invalid_request"')
      }
    })
    test('rubbish', async () => {
      const answer = await request('Bearer rubbish')
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
    })
    test("a token of another auth server, even one with the admin API's audience", async () => {
      const client = await tenant.client({ audience: `${server.origin}/admin/v1` })
      expect((await request(`Bearer ${await tenant.token(client)}`)).status).toBe(401)
    })
    test('a token of the system auth server for another audience', async () => {
      const path = '/auth-servers/system/clients'
      const { id } = await create(server, path, { name: 'x', scopes: ['admin:read'], audience: 'urn:other' })
      const { secret } = await create(server, `${path}/${id}/secrets`, { name: 'x' })
      const form = { grant_type: 'client_credentials' }
      const client = { id: String(id), secret: String(secret) }
      const { json } = await postForm(`${server.origin}/system/token`, form, client)
      expect((await request(`Bearer ${json.access_token}`)).status).toBe(401)
    })
    test('an expired one', async () => {
      const token = await server.adminToken()
      server.advance(301_000)
      expect((await request(`Bearer ${token}`)).status).toBe(401)
    })
    test('a revoked one', async () => {
      const token = await server.adminToken()
      expect((await request(`Bearer ${token}`, 'GET')).status).toBe(200)
      await postForm(`${server.origin}/system/revoke`, { token }, server.firstClient)
      expect((await request(`Bearer ${token}`, 'GET')).status).toBe(401)
    })
    test('one of a client that was disabled since', async () => {
      const path = '/auth-servers/system/clients'
      const { id } = await create(server, path, { name: 'x', scopes: ['admin:read'] })
      const { secret } = await create(server, `${path}/${id}/secrets`, { name: 'x' })
      const client = { id: String(id), secret: String(secret) }
      const { json } = await postForm(`${server.origin}/system/token`, { grant_type: 'client_credentials' }, client)
      expect((await request(`Bearer ${json.access_token}`, 'GET')).status).toBe(200)
      await server.admin('PATCH', `${path}/${id}`, { enabled: false })
      expect((await request(`Bearer ${json.access_token}`, 'GET')).status).toBe(401)
    })
    test('one that may only read', async () => {
      const token = await server.adminToken({ scope: 'admin:read' })
      expect((await request(`Bearer ${token}`, 'GET')).status).toBe(200)
      const answer = await request(`Bearer ${token}`)
      expect([answer.status, answer.json.code]).toEqual([403, 'insufficient_scope'])
      expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
      expect(answer.headers.get('www-authenticate')).toContain('scope="admin:write"')
    })
  })

  test('shows a secret once, and holds it nowhere', async () => {
    const client = await tenant.client()
    await tenant.token(client)
    const answers = await Promise.all([
      server.admin('GET', below(`/clients/${client.id}`)),
      server.admin('GET', below('/clients?limit=999')),
      server.admin('GET', below(`/clients/${client.id}/secrets`)),
    ])
    for (const answer of answers) {
      expect(answer.status).toBe(200)
      expect(answer.text).not.toContain(client.secret)
      expect(answer.text).not.toMatch(/hash|pst_/)
    }
  })

  test('limits the secrets of a client, however many are asked for at once', async () => {
    const { id } = await create(server, below('/clients'), { name: 'Many' })
    const answers = await Promise.all(
      Array.from({ length: 14 }, () => server.admin('POST', below(`/clients/${id}/secrets`), { name: 'x' })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10)
    expect(answers.filter(({ json }) => json.code === 'limit_reached')).toHaveLength(4)
    for (const { json } of answers.filter(({ status }) => status === 201)) {
      expect((await tenant.tokenAnswer({ id: String(id), secret: String(json.secret) })).status).toBe(200)
    }
  })

  test("does not find one auth server's rows below another", async () => {
    const other = await createTenant(server)
    const client = await tenant.client()
    const { items } = (await server.admin('GET', below(`/clients/${client.id}/secrets`))).json
    const secret = Array.isArray(items) ? items[0].id : ''
    for (const path of [`/clients/${client.id}`, `/clients/${client.id}/secrets/${secret}`]) {
      for (const [method, body] of [['GET'], ['PATCH', { name: 'x' }], ['DELETE']] as const) {
        expect((await server.admin(method, `/auth-servers/${other.id}${path}`, body)).status).toBe(404)
      }
      expect((await server.admin('GET', below(path))).status).toBe(200)
    }
  })

  test('describes itself in a valid OpenAPI 3.1 document that lists each route', async () => {
    const answer = await send(`${server.origin}/admin/v1/openapi.json`)
    const result = await new Validator().validate(answer.json)
    expect(result).toMatchObject({ valid: true })
    expect(answer.json.openapi).toMatch(/^3\.1\./)
    const operations = Object.entries(Object(answer.json.paths)).flatMap(([path, methods]) =>
      Object.entries(Object(methods)).map(([method, operation]) => ({ path, method, operation: Object(operation) })),
    )
    const parents = ['/auth-servers/{auth_server}', '/auth-servers/{auth_server}/clients/{client}']
    const collections = [
      '/organizations',
      '/auth-servers',
      ...['/scopes', '/clients', '/claims', '/attribute-sources', '/trusted-issuers'].map((name) => parents[0] + name),
    ]
    collections.push(`${parents[1]}/secrets`)
    const keys = `/admin/v1${parents[0]}/keys`
    const fewer = [`get ${keys}`, `get ${keys}/{kid}`, `delete ${keys}/{kid}`, `post ${keys}/rotate`]
    fewer.push(`get /admin/v1${parents[0]}/events`, 'get /admin/v1/audit-log')
    fewer.push(...['get', 'post'].map((method) => `${method} /admin/v1${parents[0]}/revocations`))
    const initial = `/admin/v1${parents[0]}/initial-access-tokens`
    fewer.push(...['get', 'post'].map((method) => `${method} ${initial}`))
    fewer.push(...['get', 'patch', 'delete'].map((method) => `${method} ${initial}/{token}`))
    const grants = `/admin/v1${parents[0]}/grants`
    fewer.push(`get ${grants}`, `get ${grants}/{grant}`, `delete ${grants}/{grant}`)
    const actions = [`post /admin/v1${parents[0]}/claims/evaluate`]
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual(
      [
        ...fewer,
        ...actions,
        ...collections.flatMap((path) => {
          const [, parameter] = /([a-z-]+?)s$/.exec(path) ?? []
          const item = `/admin/v1${path}/{${(parameter ?? '').replace('-', '_')}}`
          return [
            ...['get', 'post'].map((m) => `${m} /admin/v1${path}`),
            ...['get', 'patch', 'delete'].map((m) => `${m} ${item}`),
          ]
        }),
      ].sort(),
    )
    for (const { path, operation } of operations) {
      const parameters = (operation.parameters ?? []).filter((parameter: { in: string }) => parameter.in === 'path')
      const named = [...path.matchAll(/\{(.*?)\}/g)].map(([, name]) => name)
      expect(parameters.map((parameter: { name: string }) => parameter.name).sort()).toEqual(named.sort())
      expect(operation.security).toEqual([{ admin: [expect.stringMatching(/^admin:/)] }])
    }
  })
})
