import { beforeAll, describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import { type Credentials, send } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { create, type Tenant, useTenant } from '../support/tenant.ts'

const payment = { type: 'payment', actions: ['initiate'], amount: { currency: 'EUR', value: 12.5 } }
const account = { type: 'account', identifier: '42', 'größe "x"': { größer: true } }
const types = [
  {
    type: 'payment',
    schema: {
      properties: {
        amount: {
          type: 'object',
          properties: { currency: { enum: ['EUR'] }, value: { type: 'number', maximum: 100 } },
          required: ['currency', 'value'],
        },
      },
      required: ['amount'],
    },
  },
  { type: 'account' },
  { type: 'unlisted' },
]

describe.each(databases)('authorization details on $kind (RFC 9396)', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })
  const path = () => `/auth-servers/${tenant.id}`
  const allowed = { authorization_details_types: ['payment', 'account', 'gone'] }
  beforeAll(async () => {
    await server.admin('PATCH', path(), { authorization_details_types: types })
    client = await tenant.client(allowed)
  })

  const request = (details: unknown, by = client, form: Record<string, string> = {}) =>
    tenant.tokenAnswer(by, {
      authorization_details: typeof details === 'string' ? details : JSON.stringify(details),
      ...form,
    })

  test.each(['jwt', 'opaque'])('are granted, told in the answer, and carried by the token: %s', async (format) => {
    const by = await tenant.client({ ...allowed, access_token_format: format })
    const answer = await request([payment, account], by, { scope: 'read' })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ authorization_details: [payment, account], scope: 'read' })
    const introspection = await tenant.introspect(by, String(answer.json.access_token))
    expect(introspection.json).toMatchObject({ active: true, authorization_details: [payment, account], scope: 'read' })
  })

  test('are not there where none were asked for', async () => {
    const answer = await tenant.tokenAnswer(client)
    expect(answer.json).not.toHaveProperty('authorization_details')
    const introspection = await tenant.introspect(client, String(answer.json.access_token))
    expect(introspection.json).not.toHaveProperty('authorization_details')
  })

  test('may be written over several lines', async () => {
    const answer = await request(JSON.stringify([payment], undefined, '\t'))
    expect(answer.json.authorization_details).toEqual([payment])
  })

  test.each([
    ['that are no JSON', 'payment'],
    ['that are no array', payment],
    ['that are empty', []],
    ['without a type', [payment, { actions: ['read'] }]],
    ['of an unknown type', [payment, { type: 'unknown' }]],
    ['of a type that the client may not have', [{ type: 'unlisted' }]],
    ['of a type that is allowed to the client and unknown to the auth server', [{ type: 'gone' }]],
    ['of a type by another case', [{ type: 'Account' }]],
    ['of a type that only prototypes know', [{ type: '__proto__' }, { type: 'constructor' }]],
    ['that lack what their type demands', [{ type: 'payment' }]],
    ['that exceed what their type allows', [{ ...payment, amount: { currency: 'EUR', value: 101 } }]],
    ['nested deeper than ten levels', `[{"type":"account","a":${'['.repeat(9)}${']'.repeat(9)}}]`],
    ['of more than 8192 characters', [{ ...account, note: 'x'.repeat(8_192) }]],
    ['with members that different readers take differently', '[{"type":"account","type":"payment"}]'],
    ['with numbers that different readers take differently', '[{"type":"account","n":9007199254740993}]'],
  ])('are refused: those %s', async (_, details) => {
    const answer = await request(details)
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_authorization_details'])
  })

  test('are refused to a client that was allowed none', async () => {
    const answer = await request([account], await tenant.client())
    expect(answer.json.error).toBe('invalid_authorization_details')
  })

  test('are refused in words that an error description may hold', async () => {
    await server.admin('PATCH', path(), {
      authorization_details_types: [{ type: 'account', schema: { additionalProperties: { type: 'number' } } }],
    })
    const answer = await request([account])
    await server.admin('PATCH', path(), { authorization_details_types: types })
    expect(answer.json.error).toBe('invalid_authorization_details')
    expect(String(answer.json.error_description)).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/)
  })

  test('follow each change of the admin API at once', async () => {
    const by = await tenant.client({ authorization_details_types: ['account'] })
    expect((await request([account], by)).status).toBe(200)
    await server.admin('PATCH', `${path()}/clients/${by.id}`, { authorization_details_types: null })
    expect((await request([account], by)).json.error).toBe('invalid_authorization_details')
  })

  test('have types that the metadata lists', async () => {
    const metadata = await send(`${tenant.issuer}/.well-known/openid-configuration`)
    expect(metadata.json.authorization_details_types_supported).toEqual(['payment', 'account', 'unlisted'])
  })

  describe('have schemas that are checked when they are saved', () => {
    test.each([
      ['a pattern', { properties: { a: { pattern: '(a+)+$' } } }],
      ['a reference', { $ref: 'https://internal.example' }],
      ['a misspelt keyword', { requried: ['amount'] }],
    ])('%s', async (_, schema) => {
      const settings = { authorization_details_types: [{ type: 'x', schema }] }
      const before = (await server.admin('GET', path())).json
      const changed = await server.admin('PATCH', path(), settings)
      expect([changed.status, changed.json.code]).toEqual([400, 'invalid_request'])
      expect(String(changed.json.detail)).toContain('the schema of the authorization details type x')
      expect((await server.admin('GET', path())).json).toEqual(before)
      const body = { organization_id: tenant.organization, name: 'x', audience: 'urn:x', ...settings }
      expect((await server.admin('POST', '/auth-servers', body)).status).toBe(400)
    })

    test('one type cannot have two', async () => {
      const changed = await server.admin('PATCH', path(), { authorization_details_types: [types[1], types[1]] })
      expect([changed.status, changed.json.code]).toEqual([400, 'invalid_request'])
    })

    test('and are shown as they were saved', async () => {
      const body = { organization_id: tenant.organization, name: 'x', audience: 'urn:x' }
      const created = await create(server, '/auth-servers', { ...body, authorization_details_types: types })
      expect(created.authorization_details_types).toEqual(types)
      expect((await server.admin('GET', `/auth-servers/${created.id}`)).json.authorization_details_types).toEqual(types)
    })
  })
})
