/** What a caller sees where the clocks of the issuer and the sidecar differ. */
import { afterEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench, withFeed, withIntrospection } from '../support/sidecar.ts'

let bench: TestBench
afterEach(() => bench.close())

/** @param seconds that the issuer is ahead */
const times = (seconds: number) => {
  const now = Math.floor(bench.clock.now() / 1_000) + seconds
  return { iat: now, nbf: now, exp: now + 60 }
}
const status = async (seconds: number) =>
  (await bench.ask(`Bearer ${await bench.issuer.mint({ claims: times(seconds) })}`)).status

describe("the sidecar's own clock, set back by an hour,", () => {
  test('keeps no new key from being fetched', async () => {
    bench = await startBench()
    await bench.ready()
    // Rotated first, since keys are also fetched in the background as soon as the clock is seen to be back.
    await bench.issuer.rotate('k2')
    bench.clock.advance(-3_600)
    expect(await status(0)).toBe(200)
  })

  test('stretches no answer of introspection, and no stale one', async () => {
    const patient = withIntrospection.replace(/timeout_ms: \d+/, 'timeout_ms: 2000')
    bench = await startBench({ issuer: patient, more: '  other: { issuers: [test] }' })
    await bench.ready()
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    expect((await bench.ask('Bearer opaque', 'other')).status).toBe(200)
    bench.clock.advance(-3_600)
    bench.issuer.introspects('opaque', { active: false })
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
    expect((await bench.ask('Bearer opaque', 'other')).status).toBe(401)
  })

  test('does not make a silent feed look recent', async () => {
    bench = await startBench({ issuer: withFeed.replace(/ }$/, ', max_age: 4 }') })
    await bench.ready()
    // Older than the clock will be wrong: else it would come from the future.
    const iat = Math.floor(bench.clock.now() / 1_000) - 3_700
    const token = `Bearer ${await bench.issuer.mint({ claims: { iat } })}`
    expect((await bench.ask(token)).status).toBe(200)
    bench.issuer.behave('events', 'hang')
    bench.clock.advance(-3_600)
    expect((await bench.ask(token)).status).toBe(503)
    bench.issuer.behave('events', 'normal')
    await bench.ready()
    expect((await bench.admin('/readyz')).status).toBe(200)
  }, 20_000)
})

describe('an issuer whose clock is', () => {
  test.each([
    [4, 200],
    [30, 401],
    [-30, 200],
    [-61, 401],
  ])('%i s ahead: %i', async (seconds, expected) => {
    bench = await startBench()
    expect(await status(seconds)).toBe(expected)
  })

  test('30 s ahead, with a leeway for it', async () => {
    bench = await startBench({ issuer: 'leeway: 60' })
    expect(await status(30)).toBe(200)
  })

  test('ahead: a token is let through as soon as it is time, not remembered as refused', async () => {
    bench = await startBench({ more: 'cache: { negative_max_age: 300 }' })
    const token = `Bearer ${await bench.issuer.mint({ claims: times(30) })}`
    expect((await bench.ask(token)).status).toBe(401)
    bench.clock.advance(26)
    expect((await bench.ask(token)).status).toBe(200)
  })

  test('behind: no leeway stretches the expiry, of opaque tokens neither', async () => {
    bench = await startBench({ issuer: `leeway: 60\n    ${withIntrospection}` })
    expect(await status(-61)).toBe(401)
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims(times(-61)) })
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
  })
})
