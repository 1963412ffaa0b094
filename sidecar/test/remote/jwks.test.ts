import { afterEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench } from '../support/sidecar.ts'

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
  test('are fetched once, and anew in the background before they are old', async () => {
    bench = await startBench()
    expect(await ask()).toBe(200)
    bench.clock.advance(290)
    expect(await ask()).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(1)
    bench.clock.advance(20)
    expect(await ask()).toBe(200)
    await until(() => bench.issuer.calls.jwks === 2)
  })

  test('are kept where the fetch in the background fails, and asked for again after a while', async () => {
    bench = await startBench()
    expect(await ask()).toBe(200)
    bench.issuer.behave('jwks', 'status500')
    bench.clock.advance(310)
    expect(await ask()).toBe(200)
    await until(() => bench.issuer.calls.jwks === 2)
    expect(await ask()).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(2)
    bench.clock.advance(11)
    expect(await ask()).toBe(200)
    await until(() => bench.issuer.calls.jwks === 3)
  })

  test('are fetched for an unknown kid, so that a rotated key serves at once', async () => {
    bench = await startBench()
    expect(await ask()).toBe(200)
    bench.clock.advance(11)
    await bench.issuer.rotate('k2')
    expect(await ask()).toBe(200)
    expect(bench.issuer.calls.jwks).toBe(2)
  })

  test('are fetched once for all tokens that come with a rotated key at the same time', async () => {
    bench = await startBench()
    expect(await ask()).toBe(200)
    bench.clock.advance(11)
    await bench.issuer.rotate('k2')
    const statuses = await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(bench.issuer.calls.jwks).toBe(2)
  })

  test('are fetched for unknown kids once in a while, however many there are', async () => {
    bench = await startBench()
    expect(await ask()).toBe(200)
    for (let round = 0; round < 3; round++) {
      bench.clock.advance(11)
      const kids = Array.from({ length: 100 }, (_, index) => `made-up-${round}-${index}`)
      const statuses = await Promise.all(kids.map((kid) => ask({ header: { kid } })))
      expect(new Set(statuses)).toEqual(new Set([401]))
    }
    expect(bench.issuer.calls.jwks).toBe(4)
  })

  test('that could not be fetched for an unknown kid now are not held against the token later', async () => {
    bench = await startBench()
    expect(await ask()).toBe(200)
    bench.clock.advance(11)
    await ask({ header: { kid: 'made-up' } })
    await bench.issuer.rotate('k2')
    const token = `Bearer ${await bench.issuer.mint()}`
    expect((await bench.ask(token)).status).toBe(401)
    bench.clock.advance(11)
    expect((await bench.ask(token)).status).toBe(200)
  })

  test('may change under the same kid: the new one serves once the keys are fetched anew', async () => {
    bench = await startBench()
    expect(await ask()).toBe(200)
    await bench.issuer.rotate('k1')
    expect(await ask()).toBe(401)
    bench.clock.advance(310)
    await ask()
    await until(() => bench.issuer.calls.jwks === 2)
    bench.clock.advance(10)
    expect(await ask()).toBe(200)
  })
})
