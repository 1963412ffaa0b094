/** Made-up tokens, thousands of them: nobody else notices, and nothing grows without end. */
import { afterEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench, withIntrospection } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

const count = 10_000
const limits = 'cache: { negative_max_entries: 500, max_entries: 1000 }'
const metric = async (pattern: RegExp) => Number(pattern.exec(String((await bench.admin('/metrics')).body))?.[1])

/** Asks with each of them, some at once. @returns how often each status was the answer */
async function flood(
  makeToken: (index: number) => string | Promise<string>,
  times = count,
): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {}
  let next = 0
  const one = async () => {
    while (next < times) {
      const { status } = await bench.ask(`Bearer ${await makeToken(next++)}`)
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: 32 }, one))
  return statuses
}

describe('ten thousand different bad tokens', () => {
  test('of an unknown key: all refused, the keys seldom asked for, none kept, and a good one still known', async () => {
    bench = await startBench({ more: limits })
    const good = `Bearer ${await bench.issuer.mint()}`
    expect((await bench.ask(good)).status).toBe(200)
    const [, payload, signature] = (await bench.issuer.mint()).split('.')
    const headerOf = (kid: string) =>
      Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url')

    expect(await flood((index) => `${headerOf(`made-up-${index}`)}.${payload}.${signature}`)).toEqual({ 401: count })
    expect(bench.issuer.calls.jwks).toBeLessThan(20)
    expect(await metric(/cached_outcomes\{policy="main"\} (\d+)/)).toBe(1)
    const calls = bench.issuer.calls.jwks
    expect((await bench.ask(good)).status).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(calls)
  }, 120_000)

  test('that are genuine and for others: as many refusals are kept as there may be, and no more', async () => {
    bench = await startBench({ more: limits })
    const forOthers = () => bench.issuer.mint({ claims: { aud: 'other' } })
    expect(await flood(forOthers, 1_500)).toEqual({ 401: 1_500 })
    expect(await metric(/cached_outcomes\{policy="main"\} (\d+)/)).toBe(500)
  }, 120_000)

  test('that are opaque: each is asked about once at most', async () => {
    bench = await startBench({ issuer: withIntrospection, more: limits })
    const statuses = await flood((index) => `made-up-${index}`)
    expect((statuses[401] ?? 0) + (statuses[503] ?? 0)).toBe(count)
    expect(bench.issuer.calls.introspection).toBeLessThanOrEqual(count)
  }, 120_000)
})
