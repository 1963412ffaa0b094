/** Every dependency, failing in every way: the answer is a refusal, in time, and all is well once it recovers. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Endpoint, failures, startTestIssuer } from '../support/issuer.ts'
import { startBench, type TestBench, withFeed, withIntrospection, withUpstream } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

const jwt = async () => `Bearer ${await bench.issuer.mint()}`
const opaque = async () => {
  bench.issuer.introspects('opaque-token', { active: true, ...bench.issuer.claims() })
  return 'Bearer opaque-token'
}

/** Which endpoint each kind of request stands on. */
const dependents: [
  endpoint: Endpoint,
  what: string,
  options: Parameters<typeof startBench>[0],
  token: () => Promise<string>,
][] = [
  ['metadata', 'a JWT', {}, jwt],
  ['jwks', 'a JWT', {}, jwt],
  ['metadata', 'an opaque token', { issuer: withIntrospection }, opaque],
  ['introspection', 'an opaque token', { issuer: withIntrospection }, opaque],
  ['token', 'a JWT with an upstream', { policy: withUpstream }, jwt],
  ['events', 'a JWT with a revocation feed', { issuer: withFeed }, jwt],
]

const cases = dependents.flatMap(([endpoint, what, options, token]) =>
  failures.map((failure) => ({ endpoint, what, failure, options, token })),
)

describe('a dependency that fails from the start', () => {
  test.each(cases)('$endpoint: $failure, asked about $what', async ({ endpoint, failure, options, token }) => {
    bench = await startBench({ ...options, before: (issuer) => issuer.behave(endpoint, failure) })
    const authorization = await token()
    const begun = performance.now()
    const answer = await bench.ask(authorization)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(answer.headers.get('x-subject')).toBeNull()
    expect(performance.now() - begun).toBeLessThan(2_000)
  })
})

describe('a dependency that recovers', () => {
  test.each(dependents)('%s, asked about %s', async (endpoint, _what, options, token) => {
    bench = await startBench({ ...options, before: (issuer) => issuer.behave(endpoint, 'status500') })
    const authorization = await token()
    expect((await bench.ask(authorization)).status).toBe(503)
    bench.issuer.behave(endpoint, 'normal')
    bench.clock.advance(30)
    const deadline = Date.now() + 5_000
    let { status } = await bench.ask(authorization)
    while (status !== 200 && Date.now() < deadline) status = (await bench.ask(authorization)).status
    expect(status).toBe(200)
  })
})

describe('an issuer that is down', () => {
  test('from the start: 503, and the sidecar is there once it comes', async () => {
    bench = await startBench({ issuer: withIntrospection, before: (issuer) => issuer.goDown() })
    const authorization = await jwt()
    expect((await bench.ask(authorization)).status).toBe(503)
    expect((await bench.ask('Bearer opaque-token')).status).toBe(503)
    await bench.issuer.comeBack()
    bench.clock.advance(11)
    expect((await bench.ask(authorization)).status).toBe(200)
  })

  test('later: tokens are still verified with the keys that are known, and unknown ones are refused', async () => {
    bench = await startBench()
    expect((await bench.ask(await jwt())).status).toBe(200)
    await bench.issuer.goDown()
    bench.clock.advance(3_600)
    expect((await bench.ask(await jwt())).status).toBe(200)
    const strange = await bench.issuer.mint({ header: { kid: 'strange' } })
    expect([401, 503]).toContain((await bench.ask(`Bearer ${strange}`)).status)
    await bench.issuer.comeBack()
  })

  test('for longer than a day: its keys are no longer trusted', async () => {
    bench = await startBench()
    expect((await bench.ask(await jwt())).status).toBe(200)
    await bench.issuer.goDown()
    bench.clock.advance(86_401)
    expect((await bench.ask(await jwt())).status).toBe(503)
    await bench.issuer.comeBack()
  })
})

describe('answers that would be dangerous to believe', () => {
  test('metadata of another issuer', async () => {
    bench = await startBench({
      before: (issuer) =>
        issuer.answer('metadata', { issuer: 'https://other.example', jwks_uri: `${issuer.url}/jwks` }),
    })
    expect((await bench.ask(await jwt())).status).toBe(503)
  })

  test('metadata that moves the keys to plain http elsewhere', async () => {
    const other = await startTestIssuer(Date.now)
    bench = await startBench({
      before: (issuer) => issuer.answer('metadata', { issuer: issuer.url, jwks_uri: `${other.url}/jwks` }),
    })
    const forged = await other.mint({ claims: { iss: bench.issuer.url } })
    expect((await bench.ask(`Bearer ${forged}`)).status).toBe(503)
    expect(other.calls.jwks).toBe(0)
    await other.close()
  })

  test('an answer that would be right, were it not so large', async () => {
    bench = await startBench({ issuer: withIntrospection })
    const padding = 'a'.repeat(1024 * 1024)
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims(), padding })
    expect((await bench.ask('Bearer opaque')).status).toBe(503)
  })

  test.each([
    ['no key', { keys: [] }],
    ['a symmetric key', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'k1', alg: 'HS256' }] }],
  ])('a JWK Set with %s', async (_what, jwks) => {
    bench = await startBench({ before: (issuer) => issuer.answer('jwks', jwks) })
    expect((await bench.ask(await jwt())).status).toBe(503)
  })

  test.each([
    ['another token type', { access_token: 'abc', token_type: 'DPoP', expires_in: 60 }],
    [
      'a token that breaks out of the header',
      { access_token: 'abc\r\nx-admin: true', token_type: 'Bearer', expires_in: 60 },
    ],
    ['an empty token', { access_token: '', token_type: 'Bearer', expires_in: 60 }],
    ['a lifetime of nothing', { access_token: 'abc', token_type: 'Bearer', expires_in: 0 }],
    ['a negative lifetime', { access_token: 'abc', token_type: 'Bearer', expires_in: -1 }],
    ['a lifetime that is no number', { access_token: 'abc', token_type: 'Bearer', expires_in: '60' }],
    ['no token', { token_type: 'Bearer', expires_in: 60 }],
  ])('a token response with %s', async (_what, response) => {
    bench = await startBench({ policy: withUpstream })
    bench.issuer.answer('token', response)
    expect((await bench.ask(await jwt())).status).toBe(503)
  })

  test.each([
    ['active as a string', { active: 'true' }],
    ['active missing', { sub: 'alice' }],
    ['an array', [{ active: true }]],
    ['null', null],
  ])('an introspection response with %s', async (_what, response) => {
    bench = await startBench({ issuer: withIntrospection })
    bench.issuer.answer('introspection', response ?? 'null')
    expect((await bench.ask('Bearer opaque-token')).status).toBe(503)
  })
})
