import { TokenValidation } from '@postern/protocol/token-validation'
import { Value } from 'typebox/value'
import { afterEach, describe, expect, test } from 'vitest'
import { type BenchOptions, startBench, type TestBench, withFeed, withIntrospection } from '../support/sidecar.ts'

let bench: TestBench
afterEach(() => bench.close())

const slow = withIntrospection.replace(/timeout_ms: \d+/, 'timeout_ms: 2000')
const open = { issuer: slow, policy: 'inspection: {}' }
const guarded = {
  issuer: slow,
  policy: 'inspection: { client_id: kong, client_secret: { value: "s3cret:+" } }',
}

interface Asked {
  policy?: string
  headers?: Record<string, string>
}

async function post(path: string, type: string, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${bench.sidecar.address}${path}`, {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body,
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) }
}

const form = 'application/x-www-form-urlencoded'
const introspect = (parameters: Record<string, string> | string[][], { policy = 'main', headers }: Asked = {}) =>
  post(`/v1/introspect/${policy}`, form, new URLSearchParams(parameters).toString(), headers)
const validate = (token: string, { policy = 'main', headers }: Asked = {}) =>
  post('/v1/validate', 'application/json', JSON.stringify({ policy, token }), headers)

/** With the issuer's metadata and keys known, which have deadlines of their own. */
async function start(options: BenchOptions): Promise<TestBench> {
  bench = await startBench(options)
  await bench.ready()
  return bench
}

describe('POST /v1/introspect/{policy}', () => {
  test('tells of an opaque token what the issuer told, asking once', async () => {
    bench = await start(open)
    const claims = bench.issuer.claims({ roles: ['a'] })
    bench.issuer.introspects('opaque', { active: true, ...claims })
    for (let count = 0; count < 3; count++) {
      const { status, headers, body } = await introspect({ token: 'opaque', token_type_hint: 'access_token' })
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
      expect(body).toEqual({ active: true, ...claims })
    }
    expect((await bench.ask('Bearer opaque')).status).toBe(200)
    expect(bench.issuer.calls.introspection).toBe(1)
  })

  test('verifies a JWT without asking anybody', async () => {
    bench = await start(open)
    const claims = bench.issuer.claims()
    expect((await introspect({ token: await bench.issuer.mint({ claims }) })).body).toEqual({ active: true, ...claims })
    expect(bench.issuer.calls.introspection).toBe(0)
  })

  test('says of any other token no more than that it is not active', async () => {
    bench = await start(open)
    const tokens = [
      'unknown',
      await bench.issuer.mint({ forged: true }),
      await bench.issuer.mint({ claims: { aud: 'x' } }),
    ]
    for (const token of tokens) {
      const { status, body } = await introspect({ token })
      expect([status, body]).toEqual([200, { active: false }])
    }
    bench.issuer.introspects('sly', { active: true, ...bench.issuer.claims({ aud: 'another' }) })
    expect((await introspect({ token: 'sly' })).body).toEqual({ active: false })
  })

  test('knows of revocations at once, and tells an expiry where the token has none', async () => {
    bench = await start({ issuer: `${slow}\n    ${withFeed}`, policy: 'inspection: {}' })
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims({ jti: 'a', exp: undefined }) })
    const { body } = await introspect({ token: 'opaque' })
    expect(body.active).toBe(true)
    expect(body.exp).toBeLessThanOrEqual(bench.clock.now() / 1_000 + 31)
    await bench.issuer.revoke('a')
    const begun = performance.now()
    while ((await introspect({ token: 'opaque' })).body.active) expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('shows the issuer nothing that could be no access token', async () => {
    bench = await start(open)
    for (const token of ['a\u0000b', 'Zoë', 'a\nb']) {
      bench.issuer.introspects(token, { active: true, ...bench.issuer.claims() })
      expect((await introspect({ token })).body).toEqual({ active: false })
    }
    expect(bench.issuer.calls.introspection).toBe(0)
  })

  test('shows the key that a token is bound to, for those who ask to check', async () => {
    bench = await start(open)
    const token = await bench.issuer.mint({ claims: { cnf: { jkt: 'thumbprint' } } })
    expect((await introspect({ token })).body).toMatchObject({ active: true, cnf: { jkt: 'thumbprint' } })
    expect((await validate(token)).body).toMatchObject({ valid: false, error: 'invalid_token' })
  })

  test('is 503 while the issuer cannot be asked', async () => {
    bench = await start(open)
    bench.issuer.behave('introspection', 'reset')
    const { status, headers } = await introspect({ token: 'opaque' })
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(bench.log.join()).not.toContain('opaque')
  })

  test.each<[what: string, parameters: string[][]]>([
    ['no token', []],
    ['an empty token', [['token', '']]],
    [
      'two tokens',
      [
        ['token', 'a'],
        ['token', 'b'],
      ],
    ],
  ])('is 400 with %s', async (_what, parameters) => {
    bench = await start(open)
    expect((await introspect(parameters)).status).toBe(400)
  })

  test('is not there where the policy does not say so, and turns browsers away', async () => {
    bench = await start({ ...open, more: '  silent: { issuers: [test] }' })
    const token = await bench.issuer.mint()
    for (const policy of ['silent', 'other', '__proto__', 'constructor']) {
      expect((await introspect({ token }, { policy })).status, policy).toBe(404)
      expect((await validate(token, { policy })).status, policy).toBe(404)
    }
    expect((await introspect({ token }, { headers: { origin: 'https://evil.example' } })).status).toBe(403)
    expect((await validate(token, { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403)
  })
})

describe('with credentials', () => {
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`,
  })

  test('only those who have them are told, in a header or in the form', async () => {
    bench = await start(guarded)
    const token = await bench.issuer.mint()
    expect((await introspect({ token }, { headers: basic('kong', 's3cret:+') })).body.active).toBe(true)
    expect((await introspect({ token, client_id: 'kong', client_secret: 's3cret:+' })).body.active).toBe(true)
    expect((await validate(token, { headers: basic('kong', 's3cret:+') })).body.valid).toBe(true)
  })

  test.each<[what: string, headers: Record<string, string>, parameters: Record<string, string>]>([
    ['none', {}, {}],
    ['another secret', basic('kong', 's3cret'), {}],
    ['another client', basic('king', 's3cret:+'), {}],
    ['a client and a secret that are cut elsewhere', basic('kongs', '3cret:+'), {}],
    ['another scheme', { authorization: 'Bearer s3cret:+' }, {}],
    [
      'the right ones in the form beside wrong ones in the header',
      basic('a', 'b'),
      { client_id: 'kong', client_secret: 's3cret:+' },
    ],
    [
      'the right ones in the form beside another scheme in the header',
      { authorization: 'Bearer a' },
      { client_id: 'kong', client_secret: 's3cret:+' },
    ],
    ['a secret without a client', {}, { client_secret: 's3cret:+' }],
  ])('401 with %s', async (_what, headers, parameters) => {
    bench = await start(guarded)
    const token = await bench.issuer.mint()
    const { status, headers: answered, body } = await introspect({ token, ...parameters }, { headers })
    expect([status, body]).toEqual([401, { error: 'invalid_client' }])
    expect(answered.get('www-authenticate')).toMatch(/^Basic /)
    expect((await validate(token, { headers })).status).toBe(401)
  })
})

describe('POST /v1/validate', () => {
  test('tells who a token stands for, and until when that may be relied on', async () => {
    bench = await start(open)
    const claims = bench.issuer.claims()
    const { status, body } = await validate(await bench.issuer.mint({ claims }))
    expect(status).toBe(200)
    expect(Value.Parse(TokenValidation, body)).toEqual({ valid: true, issuer: 'test', claims, expires_at: claims.exp })
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    const opaque = (await validate('opaque')).body
    expect(opaque.expires_at).toBeLessThanOrEqual(bench.clock.now() / 1_000 + 30)
  })

  test('tells nothing that may be relied on for longer than outcomes are kept', async () => {
    bench = await start({ ...open, more: 'cache: { max_age: 10 }' })
    const { body } = await validate(await bench.issuer.mint())
    expect(body.expires_at).toBeLessThanOrEqual(bench.clock.now() / 1_000 + 10)
    expect(body.expires_at).toBeGreaterThan(bench.clock.now() / 1_000 + 5)
  })

  test('tells why a token is none', async () => {
    bench = await start(open)
    const { body } = await validate(await bench.issuer.mint({ claims: { exp: 1 } }))
    expect(Value.Parse(TokenValidation, body)).toEqual({
      valid: false,
      error: 'invalid_token',
      error_description: 'the token has expired',
    })
  })

  test.each([
    '{}',
    '{"policy":"main"}',
    '{"policy":"main","token":1}',
    '{"policy":"main","token":"a","more":1}',
    '[]',
    'x',
  ])('is 400 with %s', async (text) => {
    bench = await start(open)
    expect((await post('/v1/validate', 'application/json', text)).status).toBe(400)
  })
})
