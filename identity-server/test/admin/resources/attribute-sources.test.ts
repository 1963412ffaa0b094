import { describe, expect, test } from 'vitest'
import { databases } from '../../support/databases.ts'
import { startHttpHost } from '../../support/https-host.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { create, createTenant, type Tenant, useTenant } from '../../support/tenant.ts'

const environment = { POSTERN_OUTGOING_PRIVATE: 'true' }

describe.each(databases)('attribute sources on the admin API, on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(
    start,
    (bench) => {
      server = bench.server
      tenant = bench.tenant
    },
    { environment },
  )

  const path = (name = '') => `/auth-servers/${tenant.id}/attribute-sources${name && `/${name}`}`
  const http = (url: string) => ({ url })
  const url = 'https://directory.example/users/${subject}'

  test.each<[what: string, body: object, code: string, detail: string]>([
    ['no kind', { name: 'a' }, 'invalid_request', 'a source is either static or http'],
    ['two kinds', { name: 'a', static: { data: {} }, http: http(url) }, 'invalid_request', 'either static or http'],
    [
      'a credential of a table',
      { name: 'a', static: { data: {} }, credential: { type: 'bearer', token: 'x' } },
      'invalid_request',
      'only an http source',
    ],
    [
      'an expression for the host',
      { name: 'a', http: http('https://${subject}.example/') },
      'invalid_expression',
      'a URL begins with',
    ],
    [
      'an expression that does not compile',
      { name: 'a', http: http('https://a.example/${nobody}') },
      'invalid_expression',
      'Unknown variable: nobody',
    ],
    [
      'a key that does not compile',
      { name: 'a', static: { data: {}, key: '1 +' } },
      'invalid_expression',
      'attribute source a',
    ],
    [
      'a source that depends on another',
      { name: 'a', static: { data: {}, key: 'attributes.b' } },
      'invalid_expression',
      'cannot depend on another',
    ],
    [
      'a metadata service',
      { name: 'a', http: http('http://169.254.169.254/') },
      'invalid_expression',
      'the URL is not allowed',
    ],
    [
      'a password in the URL',
      { name: 'a', http: http('https://u:p@a.example/') },
      'invalid_expression',
      'the URL is not allowed',
    ],
    ['a name that no expression could name', { name: 'a-b', static: { data: {} } }, 'invalid_request', 'name'],
    [
      'a line break in the credential',
      { name: 'a', http: http(url), credential: { type: 'bearer', token: 'a\nb' } },
      'invalid_request',
      'credential',
    ],
    [
      'a colon in the user name',
      { name: 'a', http: http(url), credential: { type: 'basic', username: 'a:b', password: 'c' } },
      'invalid_request',
      'credential',
    ],
    ['too long a deadline', { name: 'a', http: { url, timeout_ms: 60_000 } }, 'invalid_request', 'timeout_ms'],
  ])('%s: refused', async (_what, body, code, detail) => {
    const answer = await server.admin('POST', path(), body)
    expect(answer.json).toMatchObject({ code, detail: expect.stringContaining(detail) })
    expect((await server.admin('GET', path())).json.items).toEqual([])
  })

  test('a source that a claim names stays, and stays such that the claim can be made', async () => {
    const { id } = await createTenant(server)
    const below = `/auth-servers/${id}`
    await create(server, `${below}/attribute-sources`, { name: 'plans', static: { data: {}, key: 'client.id' } })
    await create(server, `${below}/claims`, {
      name: 'tier',
      value: '${attributes.plans}',
      placements: ['introspection'],
    })
    const removal = await server.admin('DELETE', `${below}/attribute-sources/plans`)
    expect(removal.json).toMatchObject({ code: 'in_use', detail: expect.stringContaining('claim tier') })
    const change = await server.admin('PATCH', `${below}/attribute-sources/plans`, {
      static: { data: {}, key: 'request.resource[0]' },
    })
    expect(change.json).toMatchObject({ code: 'invalid_expression', detail: expect.stringContaining('claim tier') })
    await server.admin('DELETE', `${below}/claims/tier`)
    expect((await server.admin('DELETE', `${below}/attribute-sources/plans`)).status).toBe(204)
  })

  describe('credentials', () => {
    const secret = 'a-very-secret-token'
    const source = (members: object = {}) => ({
      name: `s${Math.random().toString(36).slice(2)}`,
      http: http(url),
      credential: { type: 'bearer', token: secret },
      ...members,
    })

    test('are never shown again, and stand in the database encrypted', async () => {
      const created = await server.admin('POST', path(), source())
      expect(created.json).toMatchObject({ has_credential: true })
      const name = String(created.json.name)
      const answers = [created, await server.admin('GET', path(name)), await server.admin('GET', path())]
      for (const answer of answers) expect(answer.text).not.toContain(secret)
      expect(server.logs()).not.toContain(secret)
    })

    test.each<[what: string, change: object, status: number]>([
      ['a host of somebody else', { http: http('https://evil.example/users/${subject}') }, 400],
      ['another port', { http: http('https://directory.example:8443/users/${subject}') }, 400],
      ['no TLS', { http: http('http://localhost/users/${subject}') }, 400],
      ['another path', { http: http('https://directory.example/v2/${subject}') }, 200],
      [
        'another host, with the credential',
        { http: http('https://other.example/'), credential: { type: 'bearer', token: 'x' } },
        200,
      ],
      ['another host, without any', { http: http('https://other.example/'), credential: null }, 200],
    ])('do not follow to %s', async (_what, change, status) => {
      const { name } = await create(server, path(), source())
      const answer = await server.admin('PATCH', path(String(name)), change)
      expect(answer.status).toBe(status)
    })

    test('reach the host that they are for, and are gone when they are taken back', async () => {
      const seen: (string | undefined)[] = []
      const host = await startHttpHost((request, response) => {
        seen.push(request.headers.authorization)
        response.setHeader('content-type', 'application/json').end('{"team":"blue"}')
      })
      const { name } = await create(server, path(), source({ http: { url: `${host.origin}/x`, cache_seconds: 0 } }))
      const run = async () =>
        (
          await server.admin('POST', `/auth-servers/${tenant.id}/claims/evaluate`, {
            claims: [{ name: 'team', value: `\${attributes.${name}.team}` }],
          })
        ).json.claims
      expect(await run()).toEqual([{ name: 'team', status: 'made', value: 'blue' }])
      await server.admin('PATCH', path(String(name)), {
        credential: { type: 'basic', username: 'u', password: 'p:ä'.slice(0, 2) },
      })
      await run()
      await server.admin('PATCH', path(String(name)), { credential: null })
      await run()
      expect(seen).toEqual([`Bearer ${secret}`, `Basic ${Buffer.from('u:p:').toString('base64')}`, undefined])
      await host.close()
    })
  })

  test('a URL that leads to this machine is refused where the operator does not allow it', async () => {
    const store = await start()
    const strict = await startTestServer(store)
    const other = await createTenant(strict)
    const body = { name: 'a', http: http('https://127.0.0.1/x') }
    const answer = await strict.admin('POST', `/auth-servers/${other.id}/attribute-sources`, body)
    expect(answer.json).toMatchObject({
      code: 'invalid_expression',
      detail: expect.stringContaining('forbidden_address'),
    })
    await strict.close()
    await store.stop()
  })
})
