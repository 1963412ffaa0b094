import { afterEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { createDpopKey } from './support/dpop.ts'
import {
  benchConfig,
  startBench,
  type TestBench,
  withFeed,
  withIntrospection,
  withUpstream,
} from './support/sidecar.ts'

let bench: TestBench
afterEach(() => bench.close())

/** How often each step was timed. */
async function steps(): Promise<Record<string, number>> {
  const metrics = String((await bench.admin('/metrics')).body)
  const counts = metrics.matchAll(/^postern_sidecar_step_duration_seconds_count\{step="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...counts].map(([, step, count]) => [step, Number(count)]))
}

const none = {
  ...{ authenticate: 0, verification: 0, introspection: 0, revocation: 0, sender_constraint: 0, requirements: 0 },
  ...{ identity_token: 0, upstream_token: 0 },
}

describe('the time of steps', () => {
  const everything = {
    issuer: `${withFeed}\n    ${withIntrospection}`,
    policy: [
      'introspect_jwts: true',
      'required_scopes: [read]',
      'identity_token: { issuer: sidecar, audience: orders, ttl: 60 }',
      withUpstream,
    ].join('\n    '),
  }

  test('is that of the first request with a token; those that are answered from the cache add nothing', async () => {
    bench = await startBench(everything)
    await bench.ready()
    expect(await steps()).toEqual(none)
    const token = await bench.issuer.mint()
    bench.issuer.introspects(token, { active: true, iss: bench.issuer.url, aud: 'test-api' })
    expect((await bench.ask(`Bearer ${token}`)).status).toBe(200)
    const once = await steps()
    // Requirements are asked again once the upstream's token is there: waiting takes time.
    expect(once).toEqual({
      ...{ authenticate: 1, verification: 1, introspection: 1, revocation: 1, sender_constraint: 0, requirements: 2 },
      ...{ identity_token: 1, upstream_token: 1 },
    })
    for (let count = 0; count < 5; count++) expect((await bench.ask(`Bearer ${token}`)).status).toBe(200)
    expect(await steps()).toEqual(once)
    // Half of the identity token's life.
    bench.clock.advance(31)
    expect((await bench.ask(`Bearer ${token}`)).status).toBe(200)
    expect((await steps()).identity_token).toBe(2)
  })

  test('is that of refused tokens, too, and of proofs each time', async () => {
    bench = await startBench({ policy: 'dpop: { origins: [https://api.example] }' })
    await bench.ready()
    expect((await bench.ask(`Bearer ${await bench.issuer.mint({ forged: true })}`)).status).toBe(401)
    expect(await steps()).toMatchObject({ authenticate: 1, verification: 1, revocation: 0, sender_constraint: 0 })
    const key = await createDpopKey(bench.clock.now)
    const token = await bench.issuer.mint({ claims: { cnf: key.cnf } })
    for (let count = 1; count < 3; count++) {
      const proof = await key.prove(token, { htu: 'https://api.example/' })
      const { decision } = await bench.decide(['authorization', `DPoP ${token}`, 'dpop', proof])
      expect(decision).toBe('allow')
      expect(await steps()).toMatchObject({ authenticate: 2, revocation: 1, sender_constraint: count, requirements: 1 })
    }
  })
})

/** The value of a metric; undefined where there is none with these labels. */
async function value(name: string, labels: string): Promise<number | undefined> {
  const lines = String((await bench.admin('/metrics')).body).split('\n')
  const line = lines.find((one) => one.startsWith(`postern_sidecar_${name}{${labels}} `))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}

describe('what the parts in force know', () => {
  test('is read when metrics are asked for, and gone with a policy', async () => {
    bench = await startBench({ more: '  other: { issuers: [test] }' })
    await bench.ready()
    const token = `Bearer ${await bench.issuer.mint()}`
    for (let count = 0; count < 3; count++) await bench.ask(token, 'other')
    await bench.ask(undefined, 'other')
    expect(await value('cached_outcomes', 'policy="other"')).toBe(1)
    expect(await value('cache_lookups_total', 'policy="other",result="hit"')).toBe(2)
    expect(await value('cache_lookups_total', 'policy="other",result="miss"')).toBe(1)
    expect(await value('decisions_total', 'policy="other",decision="allow"')).toBe(3)
    expect(await value('decisions_total', 'policy="other",decision="deny"')).toBe(1)
    await bench.sidecar.reload(() => parseConfig(benchConfig(bench.issuer.url, {}), 'bench.yaml'))
    expect(await value('cached_outcomes', 'policy="main"')).toBe(0)
    expect(await value('cached_outcomes', 'policy="other"')).toBeUndefined()
  })

  test('of breakers and feeds: which is open, and how old what is known is, in seconds', async () => {
    bench = await startBench({ issuer: `${withFeed}\n    ${withIntrospection}` })
    await bench.ready()
    const age = () => value('revocation_feed_age_seconds', 'issuer="test"')
    expect(await age()).toBeLessThan(10)
    bench.clock.advance(100)
    expect(await age()).toBeGreaterThan(99)
    expect(await age()).toBeLessThan(110)
    const open = () => value('breaker_open', 'dependency="test introspection"')
    expect(await open()).toBe(0)
    bench.issuer.behave('introspection', 'reset')
    for (let count = 0; count < 12; count++) await bench.ask(`Bearer opaque-${count}`)
    expect(await open()).toBe(1)
    expect(await value('breaker_open', 'dependency="test jwks"')).toBe(0)
  })
})
