/** Another configuration takes over while requests come in. */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, temporaryFolder } from '@postern/tools/servers/process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { addressOf, redisInstalled, startRedis } from '../support/redis.ts'
import {
  type BenchOptions,
  benchConfig,
  startBench,
  type TestBench,
  withFeed,
  withIntrospection,
} from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

async function reload(options: BenchOptions, change = (text: string) => text): Promise<boolean> {
  return bench.sidecar.reload(() => parseConfig(change(benchConfig(bench.issuer.url, options)), 'bench.yaml'))
}

const bearer = async (claims = {}) => `Bearer ${await bench.issuer.mint({ claims })}`

describe('the new configuration', () => {
  test('decides as soon as it is taken over', async () => {
    bench = await startBench()
    const authorization = await bearer()
    expect((await bench.ask(authorization)).status).toBe(200)
    expect(await reload({ policy: 'required_scopes: [admin]' })).toBe(true)
    expect((await bench.ask(authorization)).status).toBe(403)
    expect(await reload({})).toBe(true)
    expect((await bench.ask(authorization)).status).toBe(200)
  })

  test('knows new policies, and no longer those that are gone', async () => {
    bench = await startBench({ more: '  other: { issuers: [test] }' })
    const authorization = await bearer()
    expect((await bench.ask(authorization, 'other')).status).toBe(200)
    await reload({ more: '  new: { issuers: [test] }' })
    expect((await bench.ask(authorization, 'new')).status).toBe(200)
    expect((await bench.ask(authorization, 'other')).status).toBe(403)
  })

  test('asks nobody anew for what the old one knew', async () => {
    bench = await startBench({ issuer: withIntrospection })
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    await bench.ask('Bearer opaque')
    await bench.ask(await bearer())
    const calls = { ...bench.issuer.calls }
    await reload({ issuer: withIntrospection, more: '  other: { issuers: [test] }' })
    expect((await bench.ask('Bearer opaque')).status).toBe(200)
    expect((await bench.ask(await bearer())).status).toBe(200)
    expect((await bench.ask(await bearer(), 'other')).status).toBe(200)
    expect(bench.issuer.calls).toEqual(calls)
  })

  test('keeps the keys where only the audience has changed', async () => {
    bench = await startBench()
    await bench.ask(await bearer())
    const other = await bearer({ aud: 'other-api' })
    expect((await bench.ask(other)).status).toBe(401)
    await reload({}, (text) => text.replace('audience: [test-api]', 'audience: [other-api]'))
    expect((await bench.ask(other)).status).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(1)
  })
})

describe('what is asked beside decisions, and is under way, is answered as if nothing had happened', () => {
  const patient = (timeoutMs: number) => ({
    issuer: withIntrospection.replace(/timeout_ms: \d+/, `timeout_ms: ${timeoutMs}`),
    policy: 'inspection: {}',
    upstream: (url: string) =>
      `issuer: ${url}, client_id: c, client_secret: { value: s }, timeout_ms: ${timeoutMs}, handed_out: true`,
  })
  /** Only what is asked for needs the metadata. */
  const withJwks = (text: string) =>
    text
      .replace('timeout_ms: 600', 'timeout_ms: 5000')
      .replace('audience:', `jwks_uri: ${bench.issuer.url}/jwks\n    audience:`)

  test.each([
    ['what a token is', '/v1/introspect/main', 'application/x-www-form-urlencoded', 'token=opaque', 'sub":"alice'],
    ['a token', '/v1/upstream-tokens/orders', 'application/json', '{}', 'upstream-token-1'],
  ])('%s', async (_what, path, type, body, expected) => {
    bench = await startBench()
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    const metadata = Promise.withResolvers<unknown>()
    bench.issuer.answer('metadata', metadata.promise)
    expect(await reload(patient(5_000), withJwks)).toBe(true)
    const asked = bench.issuer.calls.metadata
    const answer = fetch(`${bench.sidecar.address}${path}`, { method: 'POST', headers: { 'content-type': type }, body })
    await expect.poll(() => bench.issuer.calls.metadata).toBe(asked + 1)
    const reloading = reload(patient(4_000), withJwks)
    let settled = false
    void reloading.then(() => {
      settled = true
    })
    await expect.poll(async () => JSON.stringify((await bench.admin('/config')).body)).toContain('4000')
    expect(settled).toBe(false)
    const { url } = bench.issuer
    metadata.resolve({ issuer: url, introspection_endpoint: `${url}/introspect`, token_endpoint: `${url}/token` })
    expect(await (await answer).text()).toContain(expected)
    expect(await reloading).toBe(true)
  })
})

describe('revocations', () => {
  test('hold over a reload, also where the feed is a new one', async () => {
    bench = await startBench({ issuer: withFeed })
    const revoked = await bearer({ jti: 'gone' })
    await bench.issuer.revoke('gone')
    await expect.poll(async () => (await bench.ask(revoked)).status).toBe(401)
    await reload({ issuer: withFeed, policy: 'required_scopes: [read]' })
    expect((await bench.ask(revoked)).status).toBe(401)
    const before = bench.issuer.calls.events
    await reload({ issuer: withFeed.replace('test-sidecar', 'other-client') })
    expect((await bench.ask(revoked)).status).toBe(401)
    expect(bench.issuer.calls.events).toBeGreaterThan(before)
  })

  test('that are not known yet: the old decider goes on until they are', async () => {
    bench = await startBench()
    const authorization = await bearer({ jti: 'gone' })
    await bench.ask(authorization)
    await bench.issuer.revoke('gone')
    bench.issuer.behave('events', 'hang')
    const reloading = reload({ issuer: withFeed })
    await expect.poll(() => bench.issuer.calls.events).toBeGreaterThan(0)
    expect((await bench.ask(authorization)).status).toBe(200)
    bench.issuer.behave('events', 'normal')
    await bench.issuer.goDown()
    await bench.issuer.comeBack()
    expect(await reloading).toBe(true)
    expect((await bench.ask(authorization)).status).toBe(401)
  })
})

test('however many ask for a reload while one is under way, one more follows', async () => {
  bench = await startBench()
  const loads: string[] = []
  const load = (name: string) => () => {
    loads.push(name)
    return parseConfig(benchConfig(bench.issuer.url, { policy: `required_scopes: [${name}]` }), 'bench.yaml')
  }
  const asked = ['first', 'second', 'third', 'fourth'].map((name) => bench.sidecar.reload(load(name)))
  expect(await Promise.all(asked)).toEqual([true, true, true, true])
  expect(loads).toHaveLength(1)
  const under = bench.sidecar.reload(load('fifth'))
  await expect.poll(() => loads).toContain('fifth')
  expect(await Promise.all([under, ...['a', 'b', 'c'].map((name) => bench.sidecar.reload(load(name)))])).toEqual([
    ...[true, true, true, true],
  ])
  expect(loads).toEqual(['first', 'fifth', 'a'])
  expect(bench.sidecar.config().policies.main?.required_scopes).toEqual(['a'])
})

describe('at the end', () => {
  test('a reload that waits for an issuer waits no longer', async () => {
    bench = await startBench()
    bench.issuer.behave('events', 'hang')
    const reloading = reload({ issuer: withFeed })
    await expect.poll(() => bench.issuer.calls.events).toBeGreaterThan(0)
    const begun = performance.now()
    await bench.sidecar.close()
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(await reloading).toBe(true)
  })

  test('nothing is taken over any more', async () => {
    bench = await startBench()
    await bench.sidecar.close()
    const loads: string[] = []
    const load = () => {
      loads.push('loaded')
      return parseConfig(benchConfig(bench.issuer.url, {}), 'bench.yaml')
    }
    expect(await bench.sidecar.reload(load)).toBe(false)
    expect(loads).toEqual([])
  })
})

describe('a configuration that is refused', () => {
  test('changes nothing, and log, metrics and /readyz say why', async () => {
    bench = await startBench()
    expect(await reload({ policy: 'upstream: gone' })).toBe(false)
    expect((await bench.ask(await bearer())).status).toBe(200)
    const ready = await bench.admin('/readyz')
    expect(ready.status).toBe(200)
    expect(ready.body).toMatchObject({
      notes: [expect.stringMatching(/bench\.yaml:\d+:\d+: policies\.main\.upstream/)],
    })
    expect(bench.log.join()).toContain('policies.main.upstream: there is no upstream gone')
    expect((await bench.admin('/metrics')).body).toContain('config_reloads_total{outcome="failure"} 1')
    expect(await reload({})).toBe(true)
    expect((await bench.admin('/readyz')).body).toMatchObject({ notes: [] })
  })

  test('for an address in use leaves no listener, no breaker and no feed behind', async () => {
    bench = await startBench({ issuer: withFeed })
    const port = new URL(bench.sidecar.adminAddress).port
    const more = '  other: { issuers: [test] }'
    expect(await reload({ issuer: withFeed, more }, (text) => text.replace(':0', `:${port}`))).toBe(false)
    expect(bench.log.join()).toContain('EADDRINUSE')
    expect((await bench.ask(await bearer(), 'other')).status).toBe(403)
  })
})

describe.skipIf(!redisInstalled)('the connection to Redis', () => {
  test('is one, whether configurations are taken over or refused', async () => {
    const redis = await startRedis()
    try {
      const options = (timeoutMs: number) => ({
        more: `redis: { nodes: ['${addressOf(redis)}'], encryption_secret: { value: ${'s'.repeat(32)} }, timeout_ms: ${timeoutMs} }`,
      })
      const connections = async () => (await redis.command('client', 'list')).split('name=postern-sidecar').length - 1
      bench = await startBench(options(300))
      await expect.poll(connections).toBe(1)
      const port = new URL(bench.sidecar.adminAddress).port
      expect(await reload(options(400), (text) => text.replace(':0', `:${port}`))).toBe(false)
      await delay(300)
      expect(await connections()).toBe(1)
      expect(await reload(options(500))).toBe(true)
      await expect.poll(connections).toBe(1)
    } finally {
      await redis.stop()
    }
  })
})

describe('listeners', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeEach(async () => {
    folder = await temporaryFolder('reload')
  })
  afterEach(() => folder.remove())

  test('move to another address, and the old one closes', async () => {
    bench = await startBench()
    const old = bench.sidecar.address
    const port = await freePort()
    expect(await reload({}, (text) => text.replace(':0', `:${port}`))).toBe(true)
    expect(bench.sidecar.address).toBe(`http://127.0.0.1:${port}`)
    expect((await bench.ask(await bearer())).status).toBe(200)
    await expect(fetch(`${old}/v1/forward-auth/main`)).rejects.toThrow()
  })

  test('a unix socket comes and goes', async () => {
    const path = join(folder.path, 's.sock')
    const ask = () =>
      new Promise<number>((resolve, reject) => {
        request({ socketPath: path, agent: false, path: '/v1/forward-auth/main' }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
          .on('error', reject)
          .end()
      })
    bench = await startBench()
    await reload({}, (text) => text.replace('{ tcp:', `{ unix: ${path}, tcp:`))
    expect(await ask()).toBe(401)
    await reload({})
    await expect(ask()).rejects.toThrow('ENOENT')
  })
})

test('thousands of requests during twenty reloads: none is dropped, each is answered by the old or the new one', async () => {
  bench = await startBench({ issuer: withIntrospection })
  const strict = { issuer: withIntrospection, policy: 'required_scopes: [admin]' }
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  const known = await bearer()
  let stop = false
  const seen = { 200: 0, 403: 0 }
  const wrong: unknown[] = []
  const ask = (authorization: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization }
      request(`${bench.sidecar.address}/v1/forward-auth/main`, { agent, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
        .on('error', reject)
        .end()
    })
  const client = async (index: number) => {
    for (let asked = 0; !stop; asked++) {
      const opaque = `opaque-${index}-${asked}`
      bench.issuer.introspects(opaque, { active: true, ...bench.issuer.claims() })
      // Some are cached, some wait for an introspection while the decider changes under them.
      const status = await ask(asked % 4 === 0 ? `Bearer ${opaque}` : known).catch((error: unknown) => error)
      if (status === 200 || status === 403) seen[status] += 1
      else wrong.push(status)
    }
  }
  const clients = Array.from({ length: 20 }, (_, index) => client(index))
  for (let times = 0; times < 20; times++) {
    expect(await reload(times % 2 === 0 ? strict : { issuer: withIntrospection })).toBe(true)
    const before = seen[200] + seen[403]
    await expect.poll(() => seen[200] + seen[403], { interval: 5 }).toBeGreaterThan(before + 100)
  }
  stop = true
  await Promise.all(clients)
  agent.destroy()
  expect(wrong).toEqual([])
  expect(seen[200]).toBeGreaterThan(500)
  expect(seen[403]).toBeGreaterThan(500)
}, 60_000)
