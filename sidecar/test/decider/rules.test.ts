/** What a policy asks of a request: rules, requirements, anonymous access, preflight. */
import type { DecisionRequest } from '@postern/protocol/decision'
import { afterEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench, withUpstream } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

/** What becomes of a request: `allow`, or the status and the code. */
const outcome = async (request: Partial<DecisionRequest>, claims?: Record<string, unknown>) => {
  const token = claims && (await bench.issuer.mint({ claims }))
  const sent = [...(token ? ['authorization', `Bearer ${token}`] : []), ...(request.headers ?? [])]
  const decision = await bench.decide(sent, 'main', { ...request, headers: sent })
  return decision.decision === 'allow' ? 'allow' : `${decision.status} ${decision.body.error}`
}
const get = (uri: string) => ({ method: 'GET', uri })
const post = (uri: string) => ({ method: 'POST', uri })
const challengeOf = async (token: string) =>
  (await bench.ask(`Bearer ${token}`)).headers.get('www-authenticate') ?? undefined

describe('rules', () => {
  test('add to what the policy requires, by path and method', async () => {
    bench = await startBench({
      policy: `
    required_scopes: [read]
    rules:
      - { paths: [/orders/**], methods: [POST, DELETE], required_scopes: [write] }
      - { paths: [/health], access: anonymous }
      - { paths: [/internal/**], access: nobody }`,
    })
    const [reader, writer] = [{ scope: 'read' }, { scope: 'read write' }]
    expect(await outcome(get('/orders/1'), reader)).toBe('allow')
    expect(await outcome(post('/orders/1'), reader)).toBe('403 insufficient_scope')
    expect(await outcome(post('/orders/1'), writer)).toBe('allow')
    expect(await outcome(post('/orders/1'), { scope: 'write' })).toBe('403 insufficient_scope')
    expect(await outcome(get('/health'))).toBe('allow')
    expect(await outcome(get('/orders/1'))).toBe('401 invalid_token')
    expect(await outcome(get('/internal/x'), writer)).toBe('403 access_denied')
    expect(await outcome(get('/other'), reader)).toBe('allow')
  })

  test('the same token at different rules is verified once', async () => {
    bench = await startBench({
      policy: 'required_scopes: [read]\n    rules: [{ paths: [/a], required_scopes: [admin] }]',
    })
    const token = await bench.issuer.mint()
    const ask = (uri: string) => bench.decide(['authorization', `Bearer ${token}`], 'main', { uri })
    for (let round = 0; round < 2; round++) {
      expect((await ask('/a')).decision).toBe('deny')
      expect((await ask('/b')).decision).toBe('allow')
    }
    expect((await bench.admin('/metrics')).body).toMatch(/cache_lookups_total\{policy="main",result="miss"\} 1\n/)
  })

  test('what matches none can be refused', async () => {
    bench = await startBench({ policy: 'unmatched: nobody\n    rules: [{ paths: [/a] }]' })
    expect(await outcome(get('/a'), {})).toBe('allow')
    expect(await outcome(get('/b'), {})).toBe('403 access_denied')
  })

  test('paths and methods with more than one reading are refused, before any token is looked at', async () => {
    bench = await startBench({ policy: 'rules: [{ paths: [/admin/**], methods: [GET], access: nobody }]' })
    for (const uri of ['//admin', '/x/../admin', '/x%2f..%2fadmin', '/Admin', '/admin;x', '/x/%2e%2e/admin']) {
      expect(await outcome(get(uri), {}), uri).toBe('403 ambiguous_request')
    }
    expect(await outcome({ method: 'get', uri: '/admin' }, {})).toBe('403 ambiguous_request')
    expect((await bench.admin('/metrics')).body).toMatch(/cache_lookups_total\{policy="main",result="miss"\} 0\n/)
  })

  test.each([
    'rules: [{ methods: [DELETE], access: nobody }]',
    `conditions: [{ expression: "request.method != 'DELETE'" }]`,
    `rules: [{ paths: [/**], conditions: [{ expression: "request.method != 'DELETE'" }] }]`,
  ])('headers that would turn one method into another do not reach the upstream, with %s', async (policy) => {
    bench = await startBench({ policy })
    const token = await bench.issuer.mint()
    const decision = await bench.decide(['authorization', `Bearer ${token}`], 'main', { method: 'POST' })
    expect(decision).toMatchObject({
      decision: 'allow',
      remove_headers: expect.arrayContaining(['x-http-method-override', 'x-method-override', 'x-http-method']),
    })
  })

  test('see the request as the gateway tells it', async () => {
    bench = await startBench({ policy: 'rules: [{ paths: [/a], methods: [PUT], access: nobody }]' })
    const authorization = `Bearer ${await bench.issuer.mint()}`
    const ask = (method: string, uri: string) =>
      fetch(`${bench.sidecar.address}/v1/forward-auth/main`, {
        headers: { authorization, 'x-forwarded-method': method, 'x-forwarded-uri': uri },
      }).then(({ status }) => status)
    expect(await ask('PUT', '/a')).toBe(403)
    expect(await ask('GET', '/a')).toBe(200)
    expect(await ask('PUT', '/a?b')).toBe(403)
  })
})

describe('requirements', () => {
  test('one of several scopes', async () => {
    bench = await startBench({ policy: 'any_scope: [orders, admin]' })
    expect(await outcome(get('/'), { scope: 'x admin' })).toBe('allow')
    expect(await outcome(get('/'), { scope: 'x' })).toBe('403 insufficient_scope')
    expect(await outcome(get('/'), { scope: ['admin'] })).toBe('403 insufficient_scope')
    const challenge = await challengeOf(await bench.issuer.mint({ claims: { scope: 'x' } }))
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain('scope="orders admin"')
  })

  test('conditions over claims, issuer and request', async () => {
    bench = await startBench({
      policy: `
    conditions:
      - { expression: "claims.department == 'sales'", description: only for sales }
      - { expression: "issuer == 'test' && request.method != 'DELETE'" }
      - { expression: "!('debug' in request.query) || 'ops' in claims.groups" }`,
    })
    const sales = { department: 'sales', groups: ['x'] }
    expect(await outcome(get('/'), sales)).toBe('allow')
    expect(await outcome(get('/'), { department: 'it' })).toBe('403 access_denied')
    expect(await outcome(get('/'), {})).toBe('403 access_denied')
    expect(await outcome({ method: 'DELETE', uri: '/' }, sales)).toBe('403 access_denied')
    expect(await outcome(get('/?debug=1'), sales)).toBe('403 access_denied')
    expect(await outcome(get('/?debug=1'), { ...sales, groups: ['ops'] })).toBe('allow')
    const refused = await bench.ask(`Bearer ${await bench.issuer.mint()}`)
    expect(refused.body).toEqual({ error: 'access_denied', error_description: 'only for sales' })
    expect(refused.headers.get('www-authenticate')).toBeNull()
  })

  test('how, and how lately, the user was authenticated', async () => {
    bench = await startBench({ policy: 'acr_values: [gold, silver]\n    max_age: 60' })
    const seconds = () => Math.floor(bench.clock.now() / 1_000)
    const token = await bench.issuer.mint({ claims: { acr: 'gold', auth_time: seconds() - 30 } })
    expect((await bench.ask(`Bearer ${token}`)).status).toBe(200)
    bench.clock.advance(31)
    expect((await bench.ask(`Bearer ${token}`)).status).toBe(401)
    expect(await challengeOf(token)).toBe(
      'Bearer realm="main", error="insufficient_user_authentication", ' +
        'error_description="more recent authentication is required", max_age="60"',
    )
    expect(await outcome(get('/'), { acr: 'gold', auth_time: seconds() + 58 })).toBe('allow')
    const bronze = await bench.issuer.mint({ claims: { acr: 'bronze', auth_time: seconds() } })
    expect(await challengeOf(bronze)).toContain('acr_values="gold silver"')
    for (const claims of [
      { acr: 'gold' },
      { acr: ['gold'], auth_time: seconds() },
      { acr: 'gold', auth_time: '1' },
      { acr: 'gold', auth_time: seconds() + 62 },
      { acr: 'gold', auth_time: bench.clock.now() },
    ]) {
      expect(await outcome(get('/'), claims), JSON.stringify(claims)).toBe('401 insufficient_user_authentication')
    }
  })

  test('bound how long a gateway may keep a decision, where they depend on the time', async () => {
    bench = await startBench({
      policy: `
    ${withUpstream}
    rules:
      - { paths: [/recent], max_age: 60 }
      - { paths: [/later], conditions: [{ expression: "now > timestamp(0)" }] }`,
    })
    const seconds = Math.floor(bench.clock.now() / 1_000)
    const claims = { exp: seconds + 250, auth_time: seconds - 20 }
    const token = await bench.issuer.mint({ claims })
    const until = async (uri: string) => {
      const decision = await bench.decide(['authorization', `Bearer ${token}`], 'main', { uri })
      return decision.decision === 'allow' ? decision.expires_at : 0
    }
    for (let times = 0; times < 2; times++) {
      expect(await until('/recent')).toBe(seconds + 40)
      expect(await until('/later')).toBeLessThanOrEqual(bench.clock.now() / 1_000 + 1)
      expect(await until('/')).toBeGreaterThan(seconds + 60)
    }
    bench.clock.advance(39.5)
    expect(await until('/recent')).toBeLessThanOrEqual(bench.clock.now() / 1_000 + 1)
  })

  test('that ask for what the gateway did not tell, or for a method that is spelled oddly, are not met', async () => {
    bench = await startBench({
      policy: '',
      more: `
  method: { issuers: [test], conditions: [{ expression: "request.method != 'DELETE'" }] }
  path: { issuers: [test], conditions: [{ expression: "!request.path.startsWith('/admin')" }] }
  query: { issuers: [test], conditions: [{ expression: "!('debug' in request.query)" }] }
  header: { issuers: [test], conditions: [{ expression: "!('x-debug' in request.headers)" }] }`,
    })
    const authorization = `Bearer ${await bench.issuer.mint()}`
    const status = async (policy: string, headers: Record<string, string> = {}) =>
      (await fetch(`${bench.sidecar.address}/v1/forward-auth/${policy}`, { headers: { authorization, ...headers } }))
        .status
    for (const policy of ['method', 'path', 'query']) expect(await status(policy), policy).toBe(403)
    expect(await status('header')).toBe(200)
    expect(await status('path', { 'x-forwarded-uri': '/x' })).toBe(200)
    expect(await status('query', { 'x-forwarded-uri': '/x' })).toBe(200)
    expect(await status('query', { 'x-forwarded-uri': '/x?debug' })).toBe(403)
    expect(await status('method', { 'x-forwarded-method': 'PUT' })).toBe(200)
    for (const method of ['DELETE', 'delete', 'Delete']) {
      expect(await status('method', { 'x-forwarded-method': method }), method).toBe(403)
    }
  })

  test('a header that must be there', async () => {
    bench = await startBench({
      policy: '',
      more: `  strict:
    issuers: [test]
    headers: { x-tenant: { claim: [tenant, id], required: true }, x-name: { claim: name, format: base64 } }`,
    })
    const ask = async (claims: Record<string, unknown>) =>
      bench.decide(['authorization', `Bearer ${await bench.issuer.mint({ claims })}`], 'strict')
    expect(await ask({ tenant: { id: 't1' }, name: 'Zoë' })).toMatchObject({
      set_headers: { 'x-tenant': 't1', 'x-name': 'Wm/Dqw==' },
    })
    expect(await ask({ tenant: 't1' })).toMatchObject({
      decision: 'deny',
      status: 403,
      body: { error: 'access_denied' },
    })
  })
})

describe('anonymous access', () => {
  test('lets requests without a token through, with no identity and the upstream’s token', async () => {
    bench = await startBench({ policy: `access: anonymous\n    ${withUpstream}` })
    const decision = await bench.decide([])
    expect(decision).toMatchObject({
      decision: 'allow',
      set_headers: { authorization: 'Bearer upstream-token-1' },
      remove_headers: expect.arrayContaining(['x-subject', 'x-client', 'x-roles', 'authorization']),
    })
    expect(Object.keys(decision.decision === 'allow' ? decision.set_headers : {})).toEqual(['authorization'])
  })

  test('but a token that is sent must be good, and tells who it is', async () => {
    bench = await startBench({ policy: 'access: anonymous' })
    expect(await bench.decide(['authorization', `Bearer ${await bench.issuer.mint()}`])).toMatchObject({
      set_headers: { 'x-subject': 'alice' },
    })
    expect((await bench.ask('Bearer wrong')).status).toBe(401)
    expect((await bench.ask('Bearer a b')).status).toBe(401)
  })
})

describe('CORS preflight', () => {
  const preflight = {
    method: 'OPTIONS',
    uri: '/orders',
    headers: ['Origin', 'https://app.example', 'Access-Control-Request-Method', 'PUT'],
  }

  test('needs a token like any other request, unless the policy forwards it', async () => {
    bench = await startBench()
    expect(await outcome(preflight)).toBe('401 invalid_token')
  })

  test('is forwarded without identity and without the upstream’s token', async () => {
    bench = await startBench({ policy: `cors_preflight: forward\n    ${withUpstream}` })
    expect(await bench.decide(preflight.headers, 'main', preflight)).toMatchObject({
      decision: 'allow',
      set_headers: {},
    })
    expect(bench.issuer.calls.token).toBe(0)
  })

  test('has no token: with one, it is a request like any other', async () => {
    bench = await startBench({ policy: 'cors_preflight: forward\n    caller_token: forward' })
    const withToken = (token: string) => ({
      ...preflight,
      headers: [...preflight.headers, 'authorization', `Bearer ${token}`],
    })
    expect(await outcome(withToken('made.up.token'))).toBe('401 invalid_token')
    expect(await outcome(withToken('a b'))).toBe('401 invalid_request')
    expect(await outcome(withToken(await bench.issuer.mint()))).toBe('allow')
  })

  test('does not turn into a request of another method on the way', async () => {
    bench = await startBench({ policy: 'cors_preflight: forward' })
    expect(await bench.decide(preflight.headers, 'main', preflight)).toMatchObject({
      decision: 'allow',
      remove_headers: expect.arrayContaining(['x-http-method-override', 'x-method-override', 'x-http-method']),
    })
  })

  test('is only what a browser sends as one, and never gets past a rule for nobody', async () => {
    bench = await startBench({
      policy: 'cors_preflight: forward\n    rules: [{ paths: [/internal/**], access: nobody }]',
    })
    expect(await outcome({ ...preflight, method: 'GET' })).toBe('401 invalid_token')
    expect(await outcome({ ...preflight, headers: preflight.headers.slice(0, 2) })).toBe('401 invalid_token')
    expect(await outcome({ ...preflight, headers: preflight.headers.slice(2) })).toBe('401 invalid_token')
    for (const at of [0, 2]) {
      const twice = [...preflight.headers, ...preflight.headers.slice(at, at + 2)]
      expect(await outcome({ ...preflight, headers: twice })).toBe('401 invalid_token')
    }
    expect(await outcome({ ...preflight, uri: '/internal/x' })).toBe('403 access_denied')
  })
})

describe('an identity token', () => {
  test('comes with the decision, is renewed before it expires, and bounds how long a gateway may keep it', async () => {
    bench = await startBench({
      policy: 'identity_token: { issuer: sidecar, audience: orders, ttl: 60 }\n    upstream: orders',
    })
    const token = await bench.issuer.mint()
    const ask = async () => {
      const decision = await bench.decide(['authorization', `Bearer ${token}`])
      if (decision.decision !== 'allow') throw new Error(JSON.stringify(decision))
      return { jwt: decision.set_headers['x-postern-identity'] ?? '', until: decision.expires_at, ...decision }
    }
    const first = await ask()
    const begun = bench.clock.now() / 1_000
    expect(first.jwt).toMatch(/^ey/)
    expect(first.remove_headers).toContain('x-postern-identity')
    expect(first.until - begun).toBeLessThanOrEqual(60)
    bench.clock.advance(25)
    expect((await ask()).jwt).toBe(first.jwt)
    bench.clock.advance(10)
    const second = await ask()
    expect(second.jwt).not.toBe(first.jwt)
    expect(second.set_headers.authorization).toBe('Bearer upstream-token-1')
    expect(second.until).toBeGreaterThan(first.until)
  })
})
