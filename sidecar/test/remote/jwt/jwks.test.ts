import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench } from '../../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

const ask = async (changes: Parameters<typeof bench.issuer.mint>[0] = {}) =>
  (await bench.ask(`Bearer ${await bench.issuer.mint(changes)}`)).status

/** Until the condition holds; what happens in the background has no other sign. */
async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200 && !condition(); attempt++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}

describe('the keys of an issuer', () => {
  test('are fetched at the start, once, whether or not anybody asks', async () => {
    bench = await startBench()
    await bench.ready()
    expect(bench.issuer.calls.jwks).toBe(1)
    expect(await ask()).toBe(200)
    bench.clock.advance(200)
    expect(await ask()).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(1)
  })

  test('are fetched anew in the background, before they are old', async () => {
    bench = await startBench()
    await bench.ready()
    bench.clock.advance(241)
    await until(() => bench.issuer.calls.jwks === 2)
    expect(await ask()).toBe(200)
  })

  test.each<[header: string, still: number, then: number]>([
    ['max-age=600', 410, 75],
    ['public, max-age=600, must-revalidate', 410, 75],
    ['max-age=1', 40, 10],
    ['max-age=999999', 2_500, 400],
    ['s-maxage=9999', 200, 45],
    ['no-store', 200, 45],
  ])('are as fresh as the issuer says, within bounds: %s', async (cacheControl, still, then) => {
    bench = await startBench({ before: (issuer) => issuer.sendHeaders('jwks', { 'cache-control': cacheControl }) })
    await bench.ready()
    bench.clock.advance(still)
    await ask()
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(bench.issuer.calls.jwks).toBe(1)
    bench.clock.advance(then)
    await until(() => bench.issuer.calls.jwks === 2)
  })

  test('are there as soon as an issuer that was down at the start is back, and readiness says whose are missing', async () => {
    bench = await startBench({ before: (issuer) => issuer.goDown() })
    expect((await bench.admin('/readyz')).body).toMatchObject({ reasons: ['the keys of test are not known'] })
    const token = `Bearer ${await bench.issuer.mint()}`
    expect((await bench.ask(token)).status).toBe(503)
    await bench.issuer.comeBack()
    await bench.ready()
    expect((await bench.ask(token)).status).toBe(200)
  })

  test('are kept where the fetch in the background fails, and asked for again after a while', async () => {
    bench = await startBench()
    await bench.ready()
    bench.issuer.behave('jwks', 'status500')
    bench.clock.advance(310)
    await until(() => bench.issuer.calls.jwks === 2)
    expect(await ask()).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(2)
    bench.clock.advance(11)
    await until(() => bench.issuer.calls.jwks === 3)
    expect(await ask()).toBe(200)
  })

  test.each([
    ['holds none of use', () => ({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'k1' }] })],
    ['holds thousands of keys', () => ({ keys: Array.from({ length: 3_000 }, () => bench.issuer.publicJwk()) })],
    ['is a megabyte long', () => ({ keys: [bench.issuer.publicJwk()], padding: 'a'.repeat(1_000_000) })],
    ['is none', () => ({ keys: bench.issuer.publicJwk() })],
  ])('are kept where the new set %s', async (_what, set) => {
    bench = await startBench()
    await bench.ready()
    bench.issuer.answer('jwks', set())
    bench.clock.advance(310)
    await until(() => bench.issuer.calls.jwks === 2)
    expect(await ask()).toBe(200)
    expect((await bench.admin('/readyz')).status).toBe(200)
  })

  test('are no longer trusted where the issuer is down for a day, and readiness says so', async () => {
    bench = await startBench()
    await bench.ready()
    bench.issuer.behave('jwks', 'hang')
    bench.clock.advance(86_401)
    expect(await ask()).toBe(503)
    expect((await bench.admin('/readyz')).status).toBe(503)
  })

  test('are fetched for an unknown kid, so that a rotated key serves at once', async () => {
    bench = await startBench()
    await bench.ready()
    bench.clock.advance(11)
    await bench.issuer.rotate('k2')
    expect(await ask()).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(2)
  })

  test('are fetched once for all tokens that come with a rotated key at the same time', async () => {
    bench = await startBench()
    await bench.ready()
    bench.clock.advance(11)
    await bench.issuer.rotate('k2')
    const statuses = await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(bench.issuer.calls.jwks).toBe(2)
  })

  test.each([
    ['unknown kids', (index: number) => ({ header: { kid: `made-up-${index}` } })],
    ['wrong signatures under a known kid', () => ({ forged: true })],
    ['no kid and wrong signatures', () => ({ forged: true, header: { kid: undefined } })],
  ])('are fetched for %s once in a while, however many there are', async (_what, changes) => {
    bench = await startBench()
    await bench.ready()
    for (let round = 0; round < 3; round++) {
      bench.clock.advance(11)
      const statuses = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(changes(round * 100 + index))))
      expect(new Set(statuses)).toEqual(new Set([401]))
    }
    expect(bench.issuer.calls.jwks).toBe(4)
  })

  test('are fetched once in ten seconds for unknown kids, however many there are', async () => {
    bench = await startBench()
    await bench.ready()
    const flood = async () => {
      for (let count = 0; count < 20; count++) {
        const token = await bench.issuer.mint({ header: { kid: crypto.randomUUID() } })
        expect((await bench.ask(`Bearer ${token}`)).status).toBe(401)
      }
    }
    await flood()
    expect(bench.issuer.calls.jwks).toBe(1)
    bench.clock.advance(10.1)
    await flood()
    expect(bench.issuer.calls.jwks).toBe(2)
  })

  test('that could not be fetched for an unknown kid now are not held against the token later', async () => {
    bench = await startBench()
    await bench.ready()
    bench.clock.advance(11)
    await ask({ header: { kid: 'made-up' } })
    await bench.issuer.rotate('k2')
    const token = `Bearer ${await bench.issuer.mint()}`
    expect((await bench.ask(token)).status).toBe(401)
    bench.clock.advance(11)
    expect((await bench.ask(token)).status).toBe(200)
  })

  test('may change under the same kid: the new one serves at once', async () => {
    bench = await startBench()
    await bench.ready()
    bench.clock.advance(11)
    await bench.issuer.rotate('k1')
    expect(await ask()).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(2)
  })

  test('that changed under the same kid within the cooldown are not held against the token later', async () => {
    bench = await startBench({ more: 'cache: { negative_max_age: 300 }' })
    await bench.ready()
    bench.clock.advance(11)
    await ask({ forged: true })
    await bench.issuer.rotate('k1')
    const token = `Bearer ${await bench.issuer.mint()}`
    expect((await bench.ask(token)).status).toBe(401)
    bench.clock.advance(11)
    expect((await bench.ask(token)).status).toBe(200)
  })

  test('refuse what they have not signed while the issuer is down', async () => {
    bench = await startBench()
    await bench.ready()
    await bench.issuer.goDown()
    bench.clock.advance(11)
    expect(await ask({ forged: true })).toBe(401)
    expect(await ask()).toBe(200)
    await bench.issuer.comeBack()
  })

  test('may share a kid: each of them serves', async () => {
    bench = await startBench()
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ format: 'jwk' })
    const same = [other, rsa, bench.issuer.publicJwk()].map((jwk) => ({ ...jwk, kid: 'k1' }))
    bench.issuer.answer('jwks', { keys: same })
    bench = await bench.restart()
    await bench.ready()
    expect(await ask()).toBe(200)
    expect(await ask({ header: { kid: undefined } })).toBe(200)
  })
})
