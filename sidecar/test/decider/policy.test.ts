/** What is kept of a decision, for how long, and that no wait or cache lets more through than the token allows. */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { audience } from '../support/issuer.ts'
import { startBench, type TestBench, withIntrospection, withUpstream } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

const metric = async (pattern: RegExp) => Number(pattern.exec(String((await bench.admin('/metrics')).body))?.[1])

describe('a decision', () => {
  test('is the same over both transports', async () => {
    bench = await startBench({ policy: withUpstream })
    const token = await bench.issuer.mint({ claims: { roles: ['a', 'b'] } })
    const decision = await bench.decide(['Authorization', `Bearer ${token}`])
    expect(decision).toMatchObject({
      decision: 'allow',
      set_headers: {
        'x-subject': 'alice',
        'x-client': 'app',
        'x-roles': 'a b',
        authorization: 'Bearer upstream-token-1',
      },
    })
    const answer = await bench.ask(`Bearer ${token}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-postern-decision')).toBe('allow')
    for (const [name, value] of Object.entries(decision.decision === 'allow' ? decision.set_headers : {})) {
      expect(answer.headers.get(name)).toBe(value)
    }
    expect(answer.headers.get('x-postern-remove-headers')?.split(', ').toSorted()).toEqual([
      'authorization',
      'x-client',
      'x-roles',
      'x-subject',
    ])
  })

  test('without a token: a challenge without an error code', async () => {
    bench = await startBench()
    const answer = await bench.ask()
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="main"')
    expect(bench.issuer.calls).toMatchObject({ introspection: 0, token: 0, events: 0 })
  })

  test('with a malformed token, or with two: a challenge that says which', async () => {
    bench = await startBench()
    expect((await bench.ask('Bearer a b')).body).toMatchObject({ error: 'invalid_request' })
    expect((await bench.ask('Bearer a b')).headers.get('www-authenticate')).toContain('error="invalid_request"')
    const twice = await bench.decide(['authorization', 'Bearer a', 'authorization', 'Bearer a'])
    expect(twice).toMatchObject({ status: 401, body: { error: 'invalid_request' } })
  })

  test('about a policy that there is not is a refusal', async () => {
    bench = await startBench()
    const token = `Bearer ${await bench.issuer.mint()}`
    for (const policy of ['other', '__proto__', 'constructor', 'toString']) {
      expect((await bench.ask(token, policy)).status, policy).toBe(403)
      expect((await bench.decide(['authorization', token], policy)).decision, policy).toBe('deny')
    }
  })

  test('never allows what nobody signed, whatever is sent', async () => {
    bench = await startBench({ issuer: withIntrospection })
    const header = fc.oneof(fc.string(), fc.constantFrom('authorization', 'Authorization', 'host'))
    const value = fc.oneof(
      fc.string(),
      fc.string().map((text) => `Bearer ${text}`),
    )
    const headers = fc.array(fc.tuple(header, value), { maxLength: 5 }).map((pairs) => pairs.flat())
    await fc.assert(
      fc.asyncProperty(headers, async (sent) => {
        expect(['deny', 'unavailable']).toContain((await bench.decide(sent)).decision)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a cached decision', () => {
  test('is answered without asking anybody', async () => {
    bench = await startBench({ policy: withUpstream })
    const token = `Bearer ${await bench.issuer.mint()}`
    await bench.ask(token)
    const calls = { ...bench.issuer.calls }
    for (let count = 0; count < 20; count++) expect((await bench.ask(token)).status).toBe(200)
    expect(bench.issuer.calls).toEqual(calls)
    expect(await metric(/cache_lookups_total\{policy="main",result="hit"\} (\d+)/)).toBe(20)
  })

  test('ends when the token does, to the second', async () => {
    bench = await startBench()
    const exp = Math.floor(bench.clock.now() / 1_000) + 100
    const token = `Bearer ${await bench.issuer.mint({ claims: { exp } })}`
    const first = await bench.decide(['authorization', token])
    expect(first).toMatchObject({ decision: 'allow', expires_at: exp })
    bench.clock.advance(98)
    expect((await bench.ask(token)).status).toBe(200)
    bench.clock.advance(2)
    expect((await bench.ask(token)).status).toBe(401)
  })

  test('ends after max_age, however long the token lives', async () => {
    bench = await startBench({ issuer: withIntrospection, more: 'cache: { max_age: 10 }' })
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    for (const [seconds, calls] of [
      [0, 1],
      [9, 1],
      [1, 2],
    ] as const) {
      bench.clock.advance(seconds)
      expect((await bench.ask('Bearer opaque')).status).toBe(200)
      expect(bench.issuer.calls.introspection).toBe(calls)
    }
  })

  test('may be acted on until max_age at most, also where the gateway keeps it', async () => {
    bench = await startBench({ more: 'cache: { max_age: 10 }' })
    const { now } = bench.clock
    const decision = await bench.decide(['authorization', `Bearer ${await bench.issuer.mint()}`])
    expect(decision.decision === 'allow' && decision.expires_at).toBeLessThanOrEqual(now() / 1_000 + 10)
    expect(decision.decision === 'allow' && decision.expires_at).toBeGreaterThan(now() / 1_000)
  })

  test('follows the upstream token: its expiry, and the next one', async () => {
    bench = await startBench({ policy: withUpstream })
    const token = `Bearer ${await bench.issuer.mint()}`
    const first = await bench.decide(['authorization', token])
    // The upstream token lives for 100 s, the caller's for 300 s.
    const end = bench.clock.now() / 1_000 + 100
    expect(first).toMatchObject({ set_headers: { authorization: 'Bearer upstream-token-1' } })
    expect(first.decision === 'allow' && first.expires_at).toBeLessThanOrEqual(end)
    bench.clock.advance(81)
    const deadline = Date.now() + 2_000
    let next = await bench.ask(token)
    while (next.headers.get('authorization') !== 'Bearer upstream-token-2' && Date.now() < deadline)
      next = await bench.ask(token)
    expect(next.headers.get('authorization')).toBe('Bearer upstream-token-2')
    expect(bench.issuer.calls.token).toBe(2)
  })

  test('is of one policy only', async () => {
    bench = await startBench({ more: '  strict: { issuers: [test], required_scopes: [admin] }' })
    const token = `Bearer ${await bench.issuer.mint()}`
    expect((await bench.ask(token)).status).toBe(200)
    expect((await bench.ask(token, 'strict')).status).toBe(403)
    expect((await bench.ask(token)).status).toBe(200)
  })

  test('of a refusal ends soon', async () => {
    bench = await startBench({ issuer: withIntrospection })
    expect((await bench.ask('Bearer later')).status).toBe(401)
    bench.issuer.introspects('later', { active: true, ...bench.issuer.claims() })
    expect((await bench.ask('Bearer later')).status).toBe(401)
    expect(bench.issuer.calls.introspection).toBe(1)
    bench.clock.advance(6)
    expect((await bench.ask('Bearer later')).status).toBe(200)
  })

  test('of a token that is not valid yet is not kept', async () => {
    bench = await startBench()
    // Valid again before a refusal that was kept would end: the leeway is 5 s, a refusal is kept for 5 s.
    const nbf = Math.floor(bench.clock.now() / 1_000) + 8
    const token = `Bearer ${await bench.issuer.mint({ claims: { nbf } })}`
    expect((await bench.ask(token)).status).toBe(401)
    expect(await metric(/cached_outcomes\{policy="main"\} (\d+)/)).toBe(0)
    bench.clock.advance(4)
    expect((await bench.ask(token)).status).toBe(200)
  })

  test('is not displaced by made-up tokens, and their number is bounded', async () => {
    bench = await startBench({
      issuer: withIntrospection,
      more: 'cache: { max_entries: 10, negative_max_entries: 20 }',
    })
    const token = `Bearer ${await bench.issuer.mint()}`
    await bench.ask(token)
    const { jwks } = bench.issuer.calls
    await Promise.all(Array.from({ length: 200 }, (_, index) => bench.ask(`Bearer made-up-${index}`)))
    await bench.issuer.goDown()
    expect((await bench.ask(token)).status).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(jwks)
    expect(await metric(/cached_outcomes\{policy="main"\} (\d+)/)).toBeLessThanOrEqual(30)
    await bench.issuer.comeBack()
  })
})

describe('one question', () => {
  test('of a thousand at once about a cold opaque token is one introspection', async () => {
    bench = await startBench({ issuer: withIntrospection.replace('300', '5000') })
    bench.issuer.introspects('cold', { active: true, ...bench.issuer.claims() })
    const decisions = await Promise.all(
      Array.from({ length: 1_000 }, () => bench.decide(['Authorization', 'Bearer cold'])),
    )
    expect(decisions.filter(({ decision }) => decision === 'allow')).toHaveLength(1_000)
    expect(bench.issuer.calls.introspection).toBe(1)
  })

  test('of a hundred cold JWTs at once is one fetch of the keys', async () => {
    bench = await startBench({ issuer: 'algorithms: [ES256]' })
    const tokens = await Promise.all(Array.from({ length: 100 }, () => bench.issuer.mint()))
    const answers = await Promise.all(tokens.map((token) => bench.ask(`Bearer ${token}`)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(bench.issuer.calls).toMatchObject({ metadata: 1, jwks: 1 })
  })
})

describe('an introspected token', () => {
  const active = (changes: Record<string, unknown> = {}) => ({ active: true, ...bench.issuer.claims(changes) })

  test('is asked about again after cache_ttl, and never relied on past its expiry', async () => {
    bench = await startBench({ issuer: withIntrospection })
    const exp = Math.floor(bench.clock.now() / 1_000) + 40
    bench.issuer.introspects('opaque', active({ exp }))
    for (const [seconds, calls] of [
      [0, 1],
      [28, 1],
      [4, 2],
    ] as const) {
      bench.clock.advance(seconds)
      expect((await bench.ask('Bearer opaque')).status).toBe(200)
      expect(bench.issuer.calls.introspection).toBe(calls)
    }
    bench.clock.advance(10)
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
  })

  test('is asked about each time where nothing may be kept, and its decision lasts for the way to the gateway', async () => {
    bench = await startBench({ issuer: withIntrospection.replace('timeout_ms', 'cache_ttl: 0, timeout_ms') })
    bench.issuer.introspects('opaque', active())
    for (const calls of [1, 2]) {
      expect((await bench.ask('Bearer opaque')).status).toBe(200)
      expect(bench.issuer.calls.introspection).toBe(calls)
    }
    const decision = await bench.decide(['authorization', 'Bearer opaque'])
    expect(decision.decision === 'allow' && decision.expires_at).toBeGreaterThan(bench.clock.now() / 1_000)
    expect(decision.decision === 'allow' && decision.expires_at).toBeLessThan(bench.clock.now() / 1_000 + 2)
    bench.issuer.introspects('opaque', { active: false })
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
  })

  test.each<[what: string, changes: Record<string, unknown>]>([
    ['another issuer', { iss: 'https://other.example' }],
    ['another audience', { aud: 'other' }],
    ['no audience', { aud: undefined }],
    ['an audience that is no text', { aud: { [audience]: true } }],
    ['its expiry in the past', { exp: 1 }],
    ['an expiry that is text', { exp: '9999999999' }],
    ['nbf in the future', { nbf: 9_999_999_999 }],
    ['nbf that is text', { nbf: 'soon' }],
    ['another token type', { token_type: 'DPoP' }],
    ['the use of a refresh token', { token_use: 'refresh_token' }],
    ['a use that is no text', { token_use: ['access_token'] }],
    ['a certificate that its bearer must prove to hold', { cnf: { 'x5t#S256': 'thumbprint' } }],
  ])('is refused with %s', async (_what, changes) => {
    bench = await startBench({ issuer: withIntrospection })
    bench.issuer.introspects('opaque', active(changes))
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
  })

  test('is let through where the issuer says that it is an access token', async () => {
    bench = await startBench({ issuer: withIntrospection })
    bench.issuer.introspects('opaque', active({ token_type: 'bearer', token_use: 'access_token' }))
    expect((await bench.ask('Bearer opaque')).status).toBe(200)
  })

  test('is refused without asking where it is longer than any issuer would make it', async () => {
    bench = await startBench({ issuer: withIntrospection })
    const [long, tooLong] = ['a'.repeat(8_192), 'a'.repeat(8_193)]
    for (const token of [long, tooLong]) bench.issuer.introspects(token, active())
    expect((await bench.ask(`Bearer ${long}`)).status).toBe(200)
    const { introspection } = bench.issuer.calls
    const answer = await bench.ask(`Bearer ${tooLong}`)
    expect(answer.status).toBe(401)
    expect(answer.body).toMatchObject({ error_description: 'the token is too long' })
    expect(bench.issuer.calls.introspection).toBe(introspection)
  })

  test('is refused where no issuer of the policy introspects, and shown to nobody', async () => {
    bench = await startBench()
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
    expect(bench.issuer.calls).toMatchObject({ introspection: 0, token: 0, events: 0 })
  })

  test('costs a breaker, not a wait, once its endpoint is known to be down', async () => {
    bench = await startBench({ issuer: withIntrospection })
    bench.issuer.behave('introspection', 'hang')
    for (let count = 0; count < 6; count++) expect((await bench.ask(`Bearer opaque-${count}`)).status).toBe(503)
    const { introspection } = bench.issuer.calls
    const begun = performance.now()
    expect((await bench.ask('Bearer opaque-x')).status).toBe(503)
    expect(performance.now() - begun).toBeLessThan(200)
    expect(bench.issuer.calls.introspection).toBe(introspection)
    expect(await metric(/breaker_open\{dependency="test introspection"\} (\d+)/)).toBe(1)
  })
})
