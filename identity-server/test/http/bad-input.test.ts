/** What the OAuth endpoints refuse: with which status and code, and that a refusal leaves no trace in the database. */
import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, type Snapshot, type Store, snapshot } from '../support/databases.ts'
import { basic, type Credentials, postForm, send, sendRaw } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { create, createTenant, type Tenant } from '../support/tenant.ts'

const endpoints = ['token', 'introspect', 'revoke'] as const
type Endpoint = (typeof endpoints)[number]

/** A form that the endpoint would accept. */
const complete: Record<Endpoint, string> = {
  token: 'grant_type=client_credentials',
  introspect: 'token=abc',
  revoke: 'token=abc',
}

describe.each(databases)('bad input on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  let tenant: Tenant
  let client: Credentials
  let disabled: Credentials
  let expired: Credentials
  let noGrant: Credentials
  let limited: Credentials
  let before: Snapshot

  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store)
    tenant = await createTenant(server)
    const path = `/auth-servers/${tenant.id}/clients`
    client = await tenant.client({ may_introspect: true })
    disabled = await tenant.client()
    await server.admin('PATCH', `${path}/${disabled.id}`, { enabled: false })
    noGrant = await tenant.client({ grant_types: [] })
    limited = await tenant.client({ scopes: ['read'] })
    const { id } = await create(server, path, { name: 'Expired' })
    const body = { name: 'x', expires_at: new Date(server.now() - 1_000).toISOString() }
    const { secret } = await create(server, `${path}/${id}/secrets`, body)
    expired = { id: String(id), secret: String(secret) }
    // PGlite can be looked into only while no server has it open.
    await server.close()
    before = await snapshot(store, server.variables)
    const origin = { POSTERN_PORT: new URL(server.origin).port, POSTERN_PUBLIC_ORIGIN: server.origin }
    server = await startTestServer(store, { variables: server.variables, environment: origin })
  })
  afterAll(async () => {
    try {
      await server?.close()
      // Whatever was refused: nothing was written.
      const after = await snapshot(store, server.variables)
      // When a secret was last used is all that may be noted.
      expect({ ...after, client_secret_uses: before.client_secret_uses }).toEqual(before)
      expect(before.client_secrets?.length).toBeGreaterThan(4)
    } finally {
      await store?.stop()
    }
  })

  interface Request {
    authorization?: string | undefined
    body?: string | Buffer<ArrayBuffer>
    type?: string | undefined
    query?: string
  }
  interface Case extends Request {
    name: string
    status: number
    error: string
  }

  const request = (endpoint: Endpoint, { authorization, body, type, query = '' }: Request) =>
    send(`${tenant.issuer}/${endpoint}${query}`, {
      method: 'POST',
      headers: {
        'content-type': type ?? 'application/x-www-form-urlencoded',
        ...(authorization !== undefined && { authorization }),
      },
      ...(body !== undefined && { body }),
    })

  const expectRefusal = (answer: Awaited<ReturnType<typeof request>>, status: number, error: string) => {
    expect([answer.status, answer.json.error]).toEqual([status, error])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('pragma')).toBe('no-cache')
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    // RFC 6749 section 5.2 allows these characters only.
    expect(answer.json.error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    const challenge = answer.headers.get('www-authenticate')
    if (status === 401) expect(challenge).toMatch(/^Basic realm="/)
    else expect(challenge).toBeNull()
  }

  const encode = (text: string, encoding: BufferEncoding = 'utf8') =>
    `Basic ${Buffer.from(text, encoding).toString('base64')}`
  const own = (): string => basic(client).authorization

  /** Cases of every endpoint; `form` is what the endpoint would accept. */
  const everywhere = (form: string): Case[] => {
    const good = { authorization: own(), body: form }
    const post = ({ id, secret }: Credentials) => ({ body: `${form}&client_id=${id}&client_secret=${secret}` })
    const badRequest = { status: 400, error: 'invalid_request' }
    const badClient = { status: 401, error: 'invalid_client' }
    const withAuthorization = (authorization: string) => ({ ...good, authorization, ...badClient })
    return [
      { name: 'no authentication', body: form, ...badClient },
      { name: 'client_id alone', body: `${form}&client_id=${client.id}`, ...badClient },
      { name: 'an unknown client', ...withAuthorization(basic({ id: 'nobody', secret: client.secret }).authorization) },
      { name: 'an unknown client in the body', ...post({ id: 'nobody', secret: 'x' }), ...badClient },
      { name: 'an over-long client_id', ...post({ id: 'x'.repeat(10_000), secret: 'x' }), ...badClient },
      { name: 'a wrong secret', ...withAuthorization(basic({ id: client.id, secret: 'wrong' }).authorization) },
      { name: 'a wrong secret in the body', ...post({ id: client.id, secret: 'wrong' }), ...badClient },
      {
        name: 'the secret of another client',
        ...withAuthorization(basic({ ...client, id: limited.id }).authorization),
      },
      { name: 'an expired secret', ...withAuthorization(basic(expired).authorization) },
      { name: 'a disabled client', ...withAuthorization(basic(disabled).authorization) },
      { name: 'Bearer in place of Basic', ...withAuthorization('Bearer abc') },
      { name: 'Basic without credentials', ...withAuthorization('Basic') },
      { name: 'broken Base64', ...withAuthorization('Basic !!!!') },
      { name: 'Base64 without padding', ...withAuthorization(`Basic ${Buffer.from('a:bc').toString('base64url')}`) },
      {
        name: 'non-zero padding bits',
        ...withAuthorization(
          own()
            .replace(/.(=+)$/, '/$1')
            .replace(/([^=])$/, '$1='),
        ),
      },
      { name: 'no colon', ...withAuthorization(encode(client.id)) },
      { name: 'a broken percent-encoding in Basic', ...withAuthorization(encode(`${client.id}%zz:${client.secret}`)) },
      { name: 'bytes beyond ASCII in Basic', ...withAuthorization(encode(`${client.id}:\xFF`, 'latin1')) },
      { name: 'two spaces in Basic', ...withAuthorization(own().replace(' ', '  ')) },
      { name: 'two methods at once', authorization: own(), ...post(client), ...badRequest },
      { name: 'client_secret without client_id', body: `${form}&client_secret=${client.secret}`, ...badRequest },
      { name: 'another client_id in the body', ...good, body: `${form}&client_id=${limited.id}`, ...badRequest },
      { name: 'a repeated parameter', ...good, body: `${form}&${form}`, ...badRequest },
      { name: 'a repeated unknown parameter', ...good, body: `${form}&x=1&x=1`, ...badRequest },
      { name: 'a repetition in another spelling', ...good, body: `${form}&x=1&%78=2`, ...badRequest },
      { name: 'broken percent-encoding', ...good, body: `${form}&x=%`, ...badRequest },
      { name: 'percent-encoded bytes that are not UTF-8', ...good, body: `${form}&x=%ff`, ...badRequest },
      {
        name: 'bytes that are not UTF-8',
        ...good,
        body: Buffer.concat([Buffer.from(`${form}&x=`), Buffer.from([0xc3, 0x28])]),
        ...badRequest,
      },
      { name: 'a control character', ...good, body: `${form}&x=a%00b`, ...badRequest },
      { name: 'a line feed', ...good, body: `${form}&x=a%0Ab`, ...badRequest },
      { name: 'too many parameters', ...good, body: `${form}&${'a&'.repeat(200)}`, ...badRequest },
      { name: 'another content type', ...good, type: 'text/plain', ...badRequest },
      { name: 'JSON', ...good, type: 'application/json', body: '{"grant_type":"client_credentials"}', ...badRequest },
      { name: 'multipart', ...good, type: 'multipart/form-data; boundary=x', ...badRequest },
      { name: 'an empty body', ...good, body: '', ...badRequest },
      { name: 'a parameter without a value', ...good, body: form.replace(/=.*/, '='), ...badRequest },
      { name: 'parameters in the query', ...good, query: `?${form}`, ...badRequest },
      { name: 'an empty query', ...good, query: '?', ...badRequest },
      {
        name: 'a body of 1 MB',
        ...good,
        body: `${form}&x=${'x'.repeat(1_000_000)}`,
        status: 413,
        error: 'invalid_request',
      },
    ]
  }

  test.each(endpoints)('is refused at the %s endpoint', async (endpoint) => {
    const cases = everywhere(complete[endpoint])
    expect(cases).toHaveLength(new Set(cases.map(({ name }) => name)).size)
    for (const { name, status, error, ...input } of cases) {
      const answer = await request(endpoint, input)
      expect([name, answer.status, answer.json.error]).toEqual([name, status, error])
      expectRefusal(answer, status, error)
    }
    // The same request without a fault passes: it was the fault that was refused.
    expect((await request(endpoint, { authorization: own(), body: complete[endpoint] })).status).toBe(200)
  })

  test.each(endpoints)('of other methods and paths is refused at the %s endpoint', async (endpoint) => {
    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD']) {
      expect((await send(`${tenant.issuer}/${endpoint}`, { method })).status).toBe(404)
    }
    for (const id of ['unknown', 'UPPER', '%00', '..%2fsystem', 'x'.repeat(300)]) {
      const answer = await postForm(`${server.origin}/${id}/${endpoint}`, complete[endpoint], client)
      expect([id, answer.status]).toEqual([id, 404])
    }
  })

  test.each(endpoints)('of a repeated Authorization header is refused at the %s endpoint', async (endpoint) => {
    const body = complete[endpoint]
    const authorization = `Authorization: ${own()}\r\n`
    const head = (headers: string) =>
      `POST /${tenant.id}/${endpoint} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}` +
      `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const repeated = await sendRaw(server.origin, head(authorization + authorization))
    expect(repeated).toMatch(/^HTTP\/1\.1 400 /)
    expect(repeated).toContain('"error":"invalid_request"')
    expect(await sendRaw(server.origin, head(authorization))).toMatch(/^HTTP\/1\.1 200 /)
  })

  describe('at the token endpoint', () => {
    const cases: [name: string, form: string, status: number, error: string, by?: () => Credentials][] = [
      ['no grant_type', 'scope=read', 400, 'invalid_request'],
      ['an unsupported grant', 'grant_type=password', 400, 'unsupported_grant_type'],
      ['a grant in upper case', 'grant_type=CLIENT_CREDENTIALS', 400, 'unsupported_grant_type'],
      ['a grant named like a property', 'grant_type=__proto__', 400, 'unsupported_grant_type'],
      ['a grant that the client may not use', complete.token, 400, 'unauthorized_client', () => noGrant],
      ['an unknown scope', `${complete.token}&scope=unknown`, 400, 'invalid_scope'],
      ['a scope of another client', `${complete.token}&scope=write`, 400, 'invalid_scope', () => limited],
      ['an allowed scope beside another', `${complete.token}&scope=read+write`, 400, 'invalid_scope', () => limited],
      ['two spaces in scope', `${complete.token}&scope=read++write`, 400, 'invalid_scope'],
      ['a quote in scope', `${complete.token}&scope=%22read%22`, 400, 'invalid_scope'],
      ['a scope beyond ASCII', `${complete.token}&scope=r%C3%A9ad`, 400, 'invalid_scope'],
      ['a scope in another case', `${complete.token}&scope=READ`, 400, 'invalid_scope'],
    ]
    test.each(cases)('%s', async (_name, form, status, error, by) => {
      expectRefusal(await postForm(`${tenant.issuer}/token`, form, by?.() ?? client), status, error)
    })
  })

  describe('at the introspection and revocation endpoints, tokens that are none of ours', () => {
    const forged = async (): Promise<[string, string][]> => {
      const token = await tenant.token(client)
      const [head = '', body = '', signature = ''] = token.split('.')
      const header: { alg: string; kid: string; typ: string } = JSON.parse(Buffer.from(head, 'base64url').toString())
      const claims: Record<string, string | number> = JSON.parse(Buffer.from(body, 'base64url').toString())
      const pair = await generateKeyPair('ES256', { extractable: true })
      const jwk = await exportJWK(pair.publicKey)
      const { text: jwks } = await send(`${tenant.issuer}/jwks`)
      const sign = (more: object, key = pair.privateKey) =>
        new SignJWT(claims).setProtectedHeader({ ...header, ...more }).sign(key)
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      return [
        ['alg none', new UnsecuredJWT(claims).encode()],
        ['alg none with typ and kid', `${part({ ...header, alg: 'none' })}.${body}.`],
        ['alg none with the signature', `${part({ ...header, alg: 'none' })}.${body}.${signature}`],
        [
          'HS256 with the public key as secret',
          await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.from(jwks)),
        ],
        ['another key under our kid', await sign({})],
        ['an unknown kid', await sign({ kid: 'unknown' })],
        ['an embedded jwk', await sign({ jwk })],
        ['an embedded jwk under its own thumbprint', await sign({ jwk, kid: undefined })],
        ['a jku', await sign({ jku: 'https://attacker.example/jwks' })],
        ['an empty signature', `${head}.${body}.`],
        ['changed claims', `${head}.${part({ ...claims, scope: 'admin' })}.${signature}`],
        ['a critical extension', `${part({ ...header, crit: ['x'], x: 1 })}.${body}.${signature}`],
        ['two parts', `${head}.${body}`],
        ['five parts', `${token}.a.b`],
        ['no JWT', 'abc'],
        ['a very long one', 'a'.repeat(60_000)],
        ['spaces around', ` ${token} `],
      ]
    }

    test('are inactive, and revoking them is no error (RFC 7009 section 2.2)', async () => {
      for (const [name, token] of await forged()) {
        const answer = await tenant.introspect(client, token)
        expect([name, answer.status, answer.text]).toEqual([name, 200, '{"active":false}'])
        expect([name, (await tenant.revoke(client, token)).status]).toEqual([name, 200])
      }
      const genuine = await tenant.token(client)
      expect((await tenant.introspect(client, genuine)).json.active).toBe(true)
    })
  })

  test('whatever the bytes: a standard 4xx, never a failure of ours', async () => {
    const codes = ['invalid_request', 'invalid_client', 'unsupported_grant_type', 'invalid_scope']
    const names = fc.constantFrom('grant_type', 'scope', 'client_id', 'client_secret', 'x', '')
    const values = fc.oneof(fc.constant('client_credentials'), fc.string({ unit: 'binary' }).map(encodeSafely))
    const form = fc
      .array(fc.tuple(names, values))
      .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'))
    const bodies = fc.oneof(
      form.map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    )
    await fc.assert(
      fc.asyncProperty(bodies, fc.boolean(), async (body, authenticated) => {
        const answer = await request('token', { body, ...(authenticated && { authorization: own() }) })
        if (answer.status === 200) expect(body.toString()).toContain('client_credentials')
        else {
          expect(answer.status).toBeGreaterThanOrEqual(400)
          expect(answer.status).toBeLessThan(500)
          expect(codes).toContain(answer.json.error)
        }
      }),
      { numRuns: 300 },
    )
  })
})

function encodeSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
