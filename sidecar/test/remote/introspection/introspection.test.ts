/** Introspection as a caller sees it, through the whole sidecar. */
import { createServer } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { clientId, startTestIssuer } from '../../support/issuer.ts'
import { type BenchOptions, startBench, type TestBench, withFeed, withIntrospection } from '../../support/sidecar.ts'

let bench: TestBench
const toClose: (() => Promise<void>)[] = []

afterEach(async () => {
  await bench.close()
  for (const close of toClose.splice(0)) await close()
})

const introspection = (members: string) =>
  withIntrospection.replace(/timeout_ms: \d+/, 'timeout_ms: 1500').replace(/ }$/, `, ${members} }`)
const active = (changes: Record<string, unknown> = {}) => ({ active: true, ...bench.issuer.claims(changes) })
const status = async (token: string, policy?: string) => (await bench.ask(`Bearer ${token}`, policy)).status
const calls = () => bench.issuer.calls.introspection

/** With the issuer's metadata and keys known, which have deadlines of their own. */
async function start(options: BenchOptions): Promise<TestBench> {
  bench = await startBench(options)
  await bench.ready()
  return bench
}

describe('an answer', () => {
  test('serves all policies of the issuer: a thousand at once about a cold token are one call', async () => {
    bench = await start({
      issuer: withIntrospection.replace(/timeout_ms: \d+/, 'timeout_ms: 10000'),
      more: '  other: { issuers: [test] }\n  strict: { issuers: [test], required_scopes: [admin] }',
    })
    bench.issuer.introspects('cold', active())
    const policies = ['main', 'other', 'strict']
    const decisions = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        bench.decide(['Authorization', 'Bearer cold'], policies[index % policies.length]),
      ),
    )
    expect(decisions.filter(({ decision }) => decision === 'allow')).toHaveLength(667)
    expect(calls()).toBe(1)
  }, 30_000)

  test('is relied on for cache_ttl, one that a token is not active for negative_cache_ttl', async () => {
    bench = await start({ issuer: introspection('cache_ttl: 20, negative_cache_ttl: 3') })
    bench.issuer.introspects('opaque', active())
    for (const [seconds, count] of [
      [0, 1],
      [19, 1],
      [1, 2],
    ] as const) {
      bench.clock.advance(seconds)
      expect(await status('opaque')).toBe(200)
      expect(calls()).toBe(count)
    }
    for (const [seconds, count] of [
      [0, 3],
      [2, 3],
      [1, 4],
    ] as const) {
      bench.clock.advance(seconds)
      expect(await status('unknown')).toBe(401)
      expect(calls()).toBe(count)
    }
  })

  test('is asked for each time where cache_ttl and negative_cache_ttl are 0', async () => {
    bench = await start({ issuer: introspection('cache_ttl: 0, negative_cache_ttl: 0') })
    bench.issuer.introspects('opaque', active())
    for (const count of [1, 2]) {
      bench.clock.advance(0.01)
      expect(await status('opaque')).toBe(200)
      expect(calls()).toBe(count)
    }
    for (const count of [3, 4]) {
      expect(await status('unknown')).toBe(401)
      expect(calls()).toBe(count)
    }
  })
})

describe('while the issuer cannot be asked', () => {
  const stale = { issuer: introspection('cache_ttl: 10'), policy: 'on_unavailable: { stale_for: 60 }' }

  test('a token that was active is let through where the policy says so, for so long and no longer', async () => {
    bench = await start({ ...stale, more: '  strict: { issuers: [test] }' })
    bench.issuer.introspects('opaque', active())
    expect(await status('opaque')).toBe(200)
    bench.issuer.behave('introspection', 'status500')
    bench.clock.advance(11)
    expect(await status('opaque')).toBe(200)
    expect(await status('opaque', 'strict')).toBe(503)
    expect(await status('unknown')).toBe(503)
    bench.clock.advance(58)
    expect(await status('opaque')).toBe(200)
    bench.clock.advance(1)
    expect(await status('opaque')).toBe(503)
  })

  test('to the moment, though a stale answer is kept for one', async () => {
    bench = await start(stale)
    bench.issuer.introspects('opaque', active())
    expect(await status('opaque')).toBe(200)
    bench.issuer.behave('introspection', 'status500')
    bench.clock.advance(69.4)
    expect(await status('opaque')).toBe(200)
    bench.clock.advance(0.7)
    expect(await status('opaque')).toBe(503)
  })

  test('never past its expiry, and a gateway keeps the decision for a moment only', async () => {
    bench = await start(stale)
    const exp = Math.floor(bench.clock.now() / 1_000) + 30
    bench.issuer.introspects('opaque', active({ exp }))
    expect(await status('opaque')).toBe(200)
    bench.issuer.behave('introspection', 'hang')
    bench.clock.advance(20)
    const decision = await bench.decide(['authorization', 'Bearer opaque'])
    expect(decision.decision === 'allow' && decision.expires_at).toBeLessThanOrEqual(bench.clock.now() / 1_000 + 1)
    bench.clock.advance(10)
    expect([401, 503]).toContain(await status('opaque'))
  })

  test('not where the issuer has said meanwhile that it is not active', async () => {
    bench = await start(stale)
    bench.issuer.introspects('opaque', active())
    expect(await status('opaque')).toBe(200)
    bench.clock.advance(11)
    bench.issuer.introspects('opaque', { active: false })
    expect(await status('opaque')).toBe(401)
    bench.clock.advance(6)
    bench.issuer.behave('introspection', 'reset')
    expect(await status('opaque')).toBe(503)
  })

  test('not where the feed has told of its revocation', async () => {
    bench = await start({ ...stale, issuer: `${stale.issuer}\n    ${withFeed}` })
    bench.issuer.introspects('opaque', active({ jti: 'a' }))
    expect(await status('opaque')).toBe(200)
    bench.issuer.behave('introspection', 'reset')
    bench.clock.advance(11)
    expect(await status('opaque')).toBe(200)
    await bench.issuer.revoke('a')
    const begun = performance.now()
    while ((await status('opaque')) === 200) expect(performance.now() - begun).toBeLessThan(1_000)
    expect(await status('opaque')).toBe(401)
  })
})

describe('a request', () => {
  /** An introspection endpoint that does with each request as it is told. */
  async function startEndpoint(behave: (count: number) => 'answer' | 'reset' | 'hang' | number) {
    let count = 0
    const server = createServer((request, response) => {
      count += 1
      const behaviour = behave(count)
      request.resume()
      if (behaviour === 'hang') return
      if (behaviour === 'reset') return void request.socket.destroy()
      if (typeof behaviour === 'number') return void response.writeHead(behaviour).end('<html>')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(active()))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no address')
    toClose.push(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    return { url: `http://127.0.0.1:${address.port}/introspect`, count: () => count }
  }

  test.each([
    ['reset', 'reset'],
    ['refused with a page of HTML and a 503', 503],
  ] as const)('that is %s is sent again', async (_what, behaviour) => {
    const endpoint = await startEndpoint((count) => (count === 1 ? behaviour : 'answer'))
    bench = await start({ issuer: introspection(`endpoint: '${endpoint.url}'`) })
    expect(await status('opaque')).toBe(200)
    expect(endpoint.count()).toBe(2)
  })

  test('is sent once where retries is 0, and never more often than it says', async () => {
    const endpoint = await startEndpoint(() => 500)
    bench = await start({ issuer: introspection(`endpoint: '${endpoint.url}', retries: 0`) })
    expect(await status('opaque')).toBe(503)
    expect(endpoint.count()).toBe(1)
    await bench.close()
    bench = await start({ issuer: introspection(`endpoint: '${endpoint.url}', retries: 3`) })
    expect(await status('opaque')).toBe(503)
    expect(endpoint.count()).toBe(1 + 4)
  })

  test('that takes longer than usual is sent a second time where that is enabled', async () => {
    let hangs = 0
    const endpoint = await startEndpoint(() => (hangs-- > 0 ? 'hang' : 'answer'))
    // A share that is not used up where this machine itself takes longer than usual.
    bench = await start({
      issuer: introspection(`endpoint: '${endpoint.url}', hedging: { max_share: 0.5 }`).replace(
        /timeout_ms: \d+/,
        'timeout_ms: 5000',
      ),
    })
    for (let count = 0; count < 40; count++) expect(await status(`opaque-${count}`)).toBe(200)
    const sent = endpoint.count()
    hangs = 1
    const begun = performance.now()
    expect(await status('opaque')).toBe(200)
    expect(performance.now() - begun).toBeLessThan(2_000)
    expect(endpoint.count()).toBeGreaterThan(sent + 1)
  }, 30_000)
})

describe('signed answers', () => {
  test('are asked for and believed where the issuer has made them for us, and a rotated key is no obstacle', async () => {
    bench = await start({ issuer: introspection('signed: true') })
    bench.issuer.signsIntrospection()
    bench.issuer.introspects('opaque', active())
    expect(await status('opaque')).toBe(200)
    expect(await status('unknown')).toBe(401)
    bench.clock.advance(10)
    await bench.issuer.rotate('k2')
    bench.issuer.introspects('another', active())
    expect(await status('another')).toBe(200)
  })

  test.each<[what: string, changes: Parameters<TestBench['issuer']['signsIntrospection']>[0]]>([
    ['by another key', { forged: true }],
    ['by another issuer', { claims: { iss: 'https://other.example' } }],
    ['for another client', { claims: { aud: 'another' } }],
    ['for nobody', { claims: { aud: undefined } }],
    ['long ago', { claims: { iat: Math.floor(Date.now() / 1_000) - 70 } }],
    ['in the future', { claims: { iat: Math.floor(Date.now() / 1_000) + 600 } }],
    ['at no time', { claims: { iat: undefined } }],
    ['as an access token', { type: 'at+jwt' }],
    ['as a plain JWT', { type: 'JWT' }],
    ['without a response', { claims: { token_introspection: undefined } }],
    ['with a response that is none', { claims: { token_introspection: { active: 'yes' } } }],
    ['with the members beside the response', { claims: { token_introspection: undefined, active: true } }],
  ])('that were made %s are not believed', async (_what, changes) => {
    bench = await start({ issuer: introspection('signed: true') })
    bench.issuer.introspects('opaque', active())
    bench.issuer.signsIntrospection(changes)
    expect(await status('opaque')).toBe(503)
  })

  test('are the only ones that are believed', async () => {
    bench = await start({ issuer: introspection('signed: true') })
    bench.issuer.introspects('opaque', active())
    expect(await status('opaque')).toBe(503)
  })

  test('are not taken for access tokens', async () => {
    bench = await start({ issuer: `token_types: [at+jwt, JWT]\n    ${withIntrospection}` })
    const token = await bench.issuer.mint({
      header: { typ: 'token-introspection+jwt' },
      claims: { token_introspection: active() },
    })
    expect(await status(token)).toBe(401)
  })
})

describe('a JWT, where the policy has its issuer asked about it too', () => {
  const options = { issuer: withIntrospection, policy: 'introspect_jwts: true\n    required_scopes: [read]' }
  const jwt = async (changes: Record<string, unknown> = {}) => {
    const claims = bench.issuer.claims(changes)
    return { claims, token: await bench.issuer.mint({ claims }) }
  }

  test('is let through while the issuer says so, and no longer', async () => {
    bench = await start({ ...options, more: '  local: { issuers: [test] }' })
    const { token, claims } = await jwt()
    bench.issuer.introspects(token, { active: true, ...claims })
    expect(await status(token)).toBe(200)
    bench.issuer.introspects(token, { active: false })
    bench.clock.advance(31)
    expect(await status(token)).toBe(401)
    expect(await status(token, 'local')).toBe(200)
  })

  test('is not asked about where it is forged', async () => {
    bench = await start(options)
    const token = await bench.issuer.mint({ forged: true })
    bench.issuer.introspects(token, active())
    expect(await status(token)).toBe(401)
    expect(calls()).toBe(0)
  })

  test('is 503 while the issuer cannot be asked', async () => {
    bench = await start(options)
    bench.issuer.behave('introspection', 'reset')
    expect(await status((await jwt()).token)).toBe(503)
  })

  test('may be good for less than it says, and its other claims are those that are signed', async () => {
    bench = await start(options)
    const less = await jwt()
    bench.issuer.introspects(less.token, { active: true, ...less.claims, scope: 'write' })
    expect(await status(less.token)).toBe(403)
    const silent = await jwt()
    bench.issuer.introspects(silent.token, { active: true, ...silent.claims, roles: 'told' })
    expect(await bench.decide(['authorization', `Bearer ${silent.token}`])).toMatchObject({
      set_headers: { 'x-roles': 'told' },
    })
    const other = await jwt({ roles: 'signed' })
    bench.issuer.introspects(other.token, {
      active: true,
      ...other.claims,
      roles: 'told',
      exp: Number(other.claims.exp) - 200,
    })
    const decision = await bench.decide(['authorization', `Bearer ${other.token}`])
    expect(decision).toMatchObject({ decision: 'allow', set_headers: { 'x-roles': 'signed' } })
    bench.clock.advance(110)
    expect(await status(other.token)).toBe(401)
  })

  test.each(['jti', 'sub', 'client_id'])('is refused where the issuer tells another %s', async (name) => {
    bench = await start(options)
    const { token, claims } = await jwt()
    bench.issuer.introspects(token, { active: true, ...claims, [name]: 'another' })
    expect(await status(token)).toBe(401)
  })
})

describe('opaque tokens of several issuers', () => {
  test('are shown to the issuer whose prefix they have, and to nobody without one', async () => {
    const other = await startTestIssuer(Date.now)
    toClose.push(other.close)
    const secret = 'client_secret: { value: test-secret }'
    const second = `
  other:
    issuer: ${other.url}
    audience: [test-api]
    introspection: { client_id: ${clientId}, ${secret}, opaque_tokens: { prefix: two_ } }`
    bench = await start({
      issuer: `${introspection('opaque_tokens: { prefix: one_ }')}${second}`,
      more: '  both: { issuers: [test, other] }',
    })
    bench.issuer.introspects('one_token', active())
    other.introspects('two_token', { active: true, ...other.claims() })
    expect(await status('one_token', 'both')).toBe(200)
    expect(await status('two_token', 'both')).toBe(200)
    expect(await status('three_token', 'both')).toBe(401)
    expect(await status('two_token', 'main')).toBe(401)
    const shown = (issuer: typeof other) =>
      issuer.received.introspection.map((body) => new URLSearchParams(body).get('token'))
    expect(shown(bench.issuer)).toEqual(['one_token'])
    expect(shown(other)).toEqual(['two_token'])
  })
})
