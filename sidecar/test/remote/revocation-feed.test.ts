import { afterEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench, withFeed, withIntrospection } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

async function ready(): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await bench.admin('/readyz')).status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('not ready')
}

async function tokenWithJti(jti: string): Promise<string> {
  return `Bearer ${await bench.issuer.mint({ claims: { jti } })}`
}

/** Until the token is refused; the number of answers that still let it through. */
async function untilRefused(token: string): Promise<{ ms: number; body: unknown }> {
  const begun = performance.now()
  for (;;) {
    const answer = await bench.ask(token)
    const ms = performance.now() - begun
    if (answer.status !== 200) return { ms, body: answer.body }
    if (ms > 3_000) throw new Error('still let through')
  }
}

describe('the revocation feed', () => {
  test('refuses a token that was revoked, though it is cached, within a second', async () => {
    bench = await startBench({ issuer: withFeed })
    await ready()
    const token = await tokenWithJti('a')
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('a')
    const { ms, body } = await untilRefused(token)
    expect(ms).toBeLessThan(1_000)
    expect(body).toMatchObject({ error: 'invalid_token', error_description: 'the token has been revoked' })
    expect((await bench.ask(await tokenWithJti('b'))).status).toBe(200)
  })

  test('knows what was revoked before the sidecar started', async () => {
    bench = await startBench()
    await bench.issuer.revoke('a')
    bench = await bench.restart({ issuer: withFeed })
    await ready()
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(401)
  })

  test('lets nothing through before it has answered, and readiness says why', async () => {
    bench = await startBench({ issuer: withFeed })
    bench.issuer.behave('events', 'hang')
    bench = await bench.restart()
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(503)
    const { status, body } = await bench.admin('/readyz')
    expect(status).toBe(503)
    expect(body).toMatchObject({ reasons: ['revocations of test are not known'] })
  })

  test('refuses tokens that could not be revoked', async () => {
    bench = await startBench({ issuer: `${withFeed}\n    ${withIntrospection}` })
    await ready()
    expect((await bench.ask(`Bearer ${await bench.issuer.mint({ claims: { jti: undefined } })}`)).status).toBe(401)
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims({ jti: undefined }) })
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
  })

  test('refuses introspected tokens as well', async () => {
    bench = await startBench({ issuer: `${withFeed}\n    ${withIntrospection}` })
    await ready()
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims({ jti: 'a' }) })
    expect((await bench.ask('Bearer opaque')).status).toBe(200)
    await bench.issuer.revoke('a')
    expect((await untilRefused('Bearer opaque')).ms).toBeLessThan(1_000)
  })

  test('goes on from where it was after an interruption', async () => {
    bench = await startBench({ issuer: withFeed })
    await ready()
    const token = await tokenWithJti('b')
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('a')
    await bench.issuer.goDown()
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('b')
    await bench.issuer.comeBack()
    await untilRefused(token)
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(401)
    const positions = bench.issuer.received.events.map((body) => Number(JSON.parse(body).after ?? 0))
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  })

  test('reads more events than one answer holds', async () => {
    bench = await startBench()
    for (let index = 0; index < 1_100; index++) await bench.issuer.revoke(`revoked-${index}`)
    bench = await bench.restart({ issuer: withFeed })
    await ready()
    expect((await bench.ask(await tokenWithJti('revoked-1099'))).status).toBe(401)
    expect((await bench.ask(await tokenWithJti('another'))).status).toBe(200)
  })

  test.each<[what: string, changes: Parameters<TestBench['issuer']['revoke']>[1]]>([
    ['signed by another key', { forged: true }],
    ['of another issuer', { claims: { iss: 'https://other.example' } }],
    ['for another receiver', { claims: { aud: 'another-sidecar' } }],
    ['typed as an access token', { type: 'at+jwt' }],
    ['of another kind', { claims: { events: { 'https://other.example/event': {} } } }],
    [
      "about another issuer's token",
      { claims: { sub_id: { format: 'jwt_id', iss: 'https://other.example', jti: 'a' } } },
    ],
  ])('does not believe an event %s, and does not move past it', async (_what, changes) => {
    bench = await startBench({ issuer: withFeed })
    await ready()
    const token = await tokenWithJti('a')
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('a', changes)
    const polls = bench.issuer.calls.events
    while (bench.issuer.calls.events < polls + 2) await new Promise((resolve) => setTimeout(resolve, 20))
    expect((await bench.ask(token)).status).toBe(200)
    const positions = bench.issuer.received.events.map((body) => JSON.parse(body).after)
    expect(positions.at(-1)).toBe('0')
  })

  test('believes the events beside one that it cannot believe', async () => {
    bench = await startBench({ issuer: withFeed })
    await ready()
    const token = await tokenWithJti('b')
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('a', { forged: true })
    await bench.issuer.revoke('b')
    await untilRefused(token)
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(200)
    expect(bench.issuer.received.events.map((body) => JSON.parse(body).after).at(-1)).toBe('0')
  })

  test('does not ask again and again where polls are answered at once without news', async () => {
    bench = await startBench({ issuer: withFeed })
    bench.issuer.answer('events', { sets: {}, moreAvailable: false, next: '0' })
    bench = await bench.restart()
    await ready()
    const polls = bench.issuer.calls.events
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(bench.issuer.calls.events - polls).toBeLessThan(5)
  })
})
