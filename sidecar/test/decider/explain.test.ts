import { Decision } from '@postern/protocol/decision'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type BenchOptions,
  startBench,
  type TestBench,
  withFeed,
  withIntrospection,
  withUpstream,
} from '../support/sidecar.ts'

const Explanation = Type.Object({
  steps: Type.Array(
    Type.Object({
      step: Type.String(),
      result: Type.String(),
      took: Type.Number(),
      details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
  ),
  decision: Decision,
})

let bench: TestBench
afterEach(() => bench.close())

async function explain(headers: string[], options: BenchOptions | undefined = undefined, uri = '/') {
  if (options) bench = await startBench(options)
  const response = await fetch(`${bench.sidecar.adminAddress}/explain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ policy: 'main', request: { method: 'GET', uri, headers } }),
  })
  const text = await response.text()
  return { text, ...Value.Parse(Explanation, JSON.parse(text)) }
}

const results = ({ steps }: { steps: { step: string; result: string }[] }) =>
  steps.map(({ step, result }) => `${step}: ${result}`)

describe('what a request would get', () => {
  test('step by step, with neither the token nor that of the upstream', async () => {
    bench = await startBench({ issuer: withFeed, policy: withUpstream })
    const token = await bench.issuer.mint()
    const authorization = ['authorization', `Bearer ${token}`]
    await expect.poll(async () => (await bench.admin('/readyz')).status).toBe(200)
    const explained = await explain(authorization)
    expect(results(explained)).toEqual([
      'rule: access: token',
      'token: found',
      'cache: nothing is kept for it',
      'authenticate: issuer test',
      'revocation: in_force',
      'requirements: met',
      expect.stringMatching(/^upstream_token: (there is one|it would be fetched)$/),
    ])
    const [header, payload, signature] = token.split('.')
    for (const part of [header, payload, signature, 'upstream-token-']) expect(explained.text).not.toContain(part)
    expect(explained.decision).toMatchObject({ decision: 'allow', set_headers: { 'x-subject': 'alice' } })
    const decided = await bench.decide(authorization)
    if (decided.decision !== 'allow' || explained.decision.decision !== 'allow') throw new Error('not allowed')
    expect(Object.keys(explained.decision.set_headers)).toEqual(Object.keys(decided.set_headers))
    expect(results(await explain(authorization))).toContain('cache: it is kept')
  })

  test('leaves nothing behind: no outcome, no count, no token of an upstream', async () => {
    bench = await startBench({ issuer: withIntrospection, policy: withUpstream })
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    const { token: before } = bench.issuer.calls
    for (let times = 0; times < 2; times++) {
      expect(results(await explain(['authorization', 'Bearer opaque']))).toContain('cache: nothing is kept for it')
    }
    expect(bench.issuer.calls.token).toBe(before)
    const { body } = await bench.admin('/metrics')
    expect(body).toContain('postern_sidecar_cached_outcomes{policy="main"} 0')
    expect(body).toContain('postern_sidecar_decisions_total{policy="main",decision="allow"} 0')
  })
})

describe('why a request is refused', () => {
  test.each([
    ['no token', {}, [], 'token: there is none', 401],
    ['malformed', {}, ['authorization', 'Bearer'], 'refused: the access token is malformed', 401],
    ['a token of no known kind', {}, ['authorization', 'Bearer a.b.c'], 'refused: the token is of no known kind', 401],
  ])('%s', async (_name, options, headers, reason, status) => {
    const explained = await explain(headers, options)
    expect(results(explained).at(-1)).toBe(reason)
    expect(explained.decision).toMatchObject({ status })
  })

  test('a missing scope', async () => {
    bench = await startBench({ policy: 'required_scopes: [admin]' })
    const explained = await explain(['authorization', `Bearer ${await bench.issuer.mint()}`])
    expect(results(explained).at(-1)).toMatch(/^requirements: .*admin/)
    expect(explained.decision).toEqual(await bench.decide(['authorization', `Bearer ${await bench.issuer.mint()}`]))
  })

  test('a dependency that is down', async () => {
    bench = await startBench({ issuer: withIntrospection })
    bench.issuer.behave('introspection', 'status500')
    const explained = await explain(['authorization', 'Bearer opaque'])
    expect(results(explained).at(-1)).toContain('introspection: status 500')
    expect(explained.decision).toMatchObject({ decision: 'unavailable' })
  })
})

test('an unknown policy, and what is no request', async () => {
  bench = await startBench()
  const post = (body: unknown) =>
    fetch(`${bench.sidecar.adminAddress}/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await post({ policy: 'gone', request: { method: 'GET', uri: '/', headers: [] } })).status).toBe(404)
  expect((await post({ policy: 'main' })).status).toBe(400)
})
