import { formatRevocation } from '@postern/protocol/revocation-event'
import { feedAudience } from '@postern/protocol/security-event'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpAnswer, HttpRequest } from '../../../src/remote/calls/http-client.ts'
import { createRevocationFeed } from '../../../src/remote/revocations/revocation-feed.ts'
import type { Mint } from '../../support/issuer.ts'
import { startBench, type TestBench, withFeed, withIntrospection } from '../../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

async function tokenWithJti(jti: string): Promise<string> {
  return `Bearer ${await bench.issuer.mint({ claims: { jti } })}`
}

/** Where the sidecar's polls stood in the stream; 0 for the beginning. */
function positions(): string[] {
  return bench.issuer.received.events.map((body) => String(JSON.parse(body).after ?? '.0').replace(/^.*\./, ''))
}

async function until(holds: () => boolean): Promise<void> {
  const begun = performance.now()
  while (!holds()) {
    if (performance.now() - begun > 5_000) throw new Error('did not come true')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
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
    await bench.ready()
    const token = await tokenWithJti('a')
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('a')
    const { ms, body } = await untilRefused(token)
    expect(ms).toBeLessThan(1_000)
    expect(body).toMatchObject({ error: 'invalid_token', error_description: 'the token has been revoked' })
    expect((await bench.ask(await tokenWithJti('b'))).status).toBe(200)
  })

  test('refuses a JWT whose key was revoked also where JWTs are introspected', async () => {
    bench = await startBench({ issuer: `token_types: []\n    ${withIntrospection}\n    ${withFeed}` })
    await bench.ready()
    const claims = bench.issuer.claims()
    const token = await bench.issuer.mint({ claims })
    bench.issuer.introspects(token, { active: true, ...claims })
    expect((await bench.ask(`Bearer ${token}`)).status).toBe(200)
    await bench.issuer.revoke({ kind: 'key', value: 'k1' })
    expect((await untilRefused(`Bearer ${token}`)).ms).toBeLessThan(1_000)
  })

  test('knows what was revoked before the sidecar started', async () => {
    bench = await startBench()
    await bench.issuer.revoke('a')
    bench = await bench.restart({ issuer: withFeed })
    await bench.ready()
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(401)
  })

  test('lets nothing through before it has answered, and readiness says why', async () => {
    bench = await startBench({ issuer: withFeed })
    bench.issuer.behave('events', 'hang')
    bench = await bench.restart()
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(503)
    const { status, body } = await bench.admin('/readyz')
    expect(status).toBe(503)
    expect(body).toMatchObject({ reasons: expect.arrayContaining(['revocations of test are not known']) })
  })

  test('refuses tokens that could not be revoked', async () => {
    bench = await startBench({ issuer: `${withFeed}\n    ${withIntrospection}` })
    await bench.ready()
    const unnameable: Mint[] = [
      { claims: { jti: undefined } },
      { claims: { jti: '' } },
      { claims: { grant_id: 1 } },
      { header: { kid: undefined } },
    ]
    for (const changes of unnameable) {
      expect((await bench.ask(`Bearer ${await bench.issuer.mint(changes)}`)).status).toBe(401)
    }
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims({ jti: undefined }) })
    expect((await bench.ask('Bearer opaque')).status).toBe(401)
  })

  test('refuses introspected tokens as well', async () => {
    bench = await startBench({ issuer: `${withFeed}\n    ${withIntrospection}` })
    await bench.ready()
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims({ jti: 'a' }) })
    expect((await bench.ask('Bearer opaque')).status).toBe(200)
    await bench.issuer.revoke('a')
    expect((await untilRefused('Bearer opaque')).ms).toBeLessThan(1_000)
  })

  test('goes on from where it was after an interruption', async () => {
    bench = await startBench({ issuer: withFeed })
    await bench.ready()
    const token = await tokenWithJti('b')
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('a')
    await bench.issuer.goDown()
    expect((await bench.ask(token)).status).toBe(200)
    await bench.issuer.revoke('b')
    await bench.issuer.comeBack()
    await untilRefused(token)
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(401)
    expect(positions().map(Number)).toEqual(
      positions()
        .map(Number)
        .toSorted((a, b) => a - b),
    )
  })

  test('reads more events than one answer holds', async () => {
    bench = await startBench()
    for (let index = 0; index < 1_100; index++) await bench.issuer.revoke(`revoked-${index}`)
    bench = await bench.restart({ issuer: withFeed })
    await bench.ready()
    expect((await bench.ask(await tokenWithJti('revoked-1099'))).status).toBe(401)
    expect((await bench.ask(await tokenWithJti('another'))).status).toBe(200)
  })

  describe('takes effect, also for what is cached, when it tells of', () => {
    const past = () => Math.floor(bench.clock.now() / 1_000)
    const kinds: [what: string, revoked: () => Parameters<TestBench['issuer']['revoke']>[0]][] = [
      ['a token', () => 'a'],
      ['the grant', () => ({ kind: 'grant', value: 'g' })],
      ['its client', () => ({ kind: 'client', value: 'app', notBefore: past() })],
      ['its subject', () => ({ kind: 'subject', value: 'alice', notBefore: past() })],
      ['the key that signed it', () => ({ kind: 'key', value: 'k1' })],
    ]
    test.each(kinds)('%s', async (_what, revoked) => {
      bench = await startBench({ issuer: withFeed })
      await bench.ready()
      const token = `Bearer ${await bench.issuer.mint({ claims: { jti: 'a', grant_id: 'g' } })}`
      expect((await bench.ask(token)).status).toBe(200)
      const others = [
        { kind: 'grant', value: 'a' } as const,
        { kind: 'client', value: 'alice', notBefore: 9e9 } as const,
      ]
      for (const other of others) await bench.issuer.revoke(other)
      await bench.issuer.revoke(revoked())
      const { ms, body } = await untilRefused(token)
      expect(ms).toBeLessThan(1_000)
      expect(body).toMatchObject({ error_description: 'the token has been revoked' })
      // Nor was it let through once more, by whichever way.
      expect((await bench.decide(['authorization', token])).decision).toBe('deny')
    })

    test('a client or a subject: not for tokens that are issued in a later second', async () => {
      bench = await startBench({ issuer: withFeed })
      await bench.ready()
      const notBefore = past() - 10
      await bench.issuer.revoke({ kind: 'client', value: 'app', notBefore })
      await bench.issuer.revoke({ kind: 'subject', value: 'alice', notBefore })
      const status = async (iat: number) => {
        const token = await bench.issuer.mint({ claims: { iat } })
        return (await bench.ask(`Bearer ${token}`)).status
      }
      await untilRefused(`Bearer ${await bench.issuer.mint({ claims: { iat: notBefore } })}`)
      expect(await status(notBefore - 1)).toBe(401)
      expect(await status(notBefore)).toBe(401)
      expect(await status(notBefore + 1)).toBe(200)
    })

    test('a client: also for introspected tokens that do not tell when they were issued', async () => {
      bench = await startBench({ issuer: `${withFeed}\n    ${withIntrospection}` })
      await bench.ready()
      bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims({ iat: undefined }) })
      expect((await bench.ask('Bearer opaque')).status).toBe(200)
      await bench.issuer.revoke({ kind: 'client', value: 'app', notBefore: 1 })
      await untilRefused('Bearer opaque')
    })
  })

  describe('an event that cannot be believed', () => {
    const unbelievable: [what: string, changes: Parameters<TestBench['issuer']['revoke']>[1]][] = [
      ['signed by another key', { forged: true }],
      ['of another issuer', { claims: { iss: 'https://other.example' } }],
      ['for another receiver', { claims: { aud: 'another-sidecar' } }],
      ['typed as an access token', { type: 'at+jwt' }],
      ['without an event', { claims: { events: undefined } }],
      [
        "about another issuer's token",
        { claims: { sub_id: { format: 'jwt_id', iss: 'https://other.example', jti: 'a' } } },
      ],
    ]
    test.each(unbelievable)(
      '%s has no effect; what comes after it has, and it is asked for again',
      async (_, changes) => {
        bench = await startBench({ issuer: withFeed })
        await bench.ready()
        const [token, another] = [await tokenWithJti('a'), await tokenWithJti('b')]
        expect([(await bench.ask(token)).status, (await bench.ask(another)).status]).toEqual([200, 200])
        await bench.issuer.revoke('a', changes)
        await bench.issuer.revoke('b')
        expect((await untilRefused(another)).ms).toBeLessThan(1_000)
        expect((await bench.ask(token)).status).toBe(200)
        // From before it, beside the poll that waits at the end.
        await until(() => positions().slice(2).includes('0'))
        expect(positions()).toContain('2')
        expect(bench.log.join()).toContain('the revocation feed failed')
      },
    )

    test('is believed once its key is known, and nothing is in doubt any more', async () => {
      bench = await startBench({ issuer: withFeed })
      await bench.ready()
      const token = await tokenWithJti('a')
      expect((await bench.ask(token)).status).toBe(200)
      bench.issuer.behave('jwks', 'status500')
      await bench.issuer.rotate('k2')
      bench.clock.advance(1)
      await bench.issuer.revoke('a')
      await until(() => bench.log.join().includes('the revocation feed failed'))
      expect((await bench.ask(token)).status).toBe(200)
      bench.issuer.behave('jwks', 'normal')
      await untilRefused(token)
      const polls = bench.issuer.calls.events
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(bench.issuer.calls.events).toBe(polls)
    })

    test('keeps everything closed where it comes before the first sync', async () => {
      bench = await startBench()
      await bench.issuer.revoke('a', { forged: true })
      bench = await bench.restart({ issuer: withFeed })
      await until(() => bench.issuer.calls.events > 2)
      expect((await bench.ask(await tokenWithJti('b'))).status).toBe(503)
      expect((await bench.admin('/readyz')).status).toBe(503)
    })

    test('is one that a revoked key has signed, whatever it tells', async () => {
      bench = await startBench({ issuer: withFeed })
      await bench.ready()
      await bench.issuer.revoke({ kind: 'key', value: 'k1' })
      await until(() => positions().includes('1'))
      await bench.issuer.revoke('a')
      await until(() => bench.log.join().includes('signed by a revoked key'))
      await bench.issuer.rotate('k2')
      bench.clock.advance(11)
      const token = await tokenWithJti('a')
      expect((await bench.ask(token)).status).toBe(200)
      await bench.issuer.revoke('a')
      await untilRefused(token)
    })
  })

  test('a key that the issuer has just begun to use is fetched for its events at once, and for tokens as seldom as before', async () => {
    bench = await startBench({ issuer: withFeed })
    await bench.ready()
    const token = await tokenWithJti('a')
    expect((await bench.ask(token)).status).toBe(200)
    // Made-up tokens have used up what fetches there are for tokens.
    bench.clock.advance(11)
    for (const kid of ['x', 'y', 'z']) await bench.ask(`Bearer ${await bench.issuer.mint({ header: { kid } })}`)
    const fetched = bench.issuer.calls.jwks
    bench.clock.advance(1)
    await bench.issuer.rotate('k2')
    await bench.issuer.revoke({ kind: 'key', value: 'k1' })
    expect((await untilRefused(token)).ms).toBeLessThan(1_000)
    expect(bench.issuer.calls.jwks).toBe(fetched + 1)
    await bench.ask(`Bearer ${await bench.issuer.mint({ header: { kid: 'another' } })}`)
    expect(bench.issuer.calls.jwks).toBe(fetched + 1)
  })

  test('an event of a type that is not known yet is passed over, with a warning', async () => {
    bench = await startBench()
    await bench.issuer.revoke('a', { claims: { events: { 'urn:postern:event:of-a-later-version': {} } } })
    bench = await bench.restart({ issuer: withFeed })
    await bench.ready()
    await bench.issuer.revoke('b')
    await untilRefused(await tokenWithJti('b'))
    expect((await bench.ask(await tokenWithJti('a'))).status).toBe(200)
    expect(bench.log.join()).toContain('events of unknown types have no effect')
    expect(positions().filter((position) => position === '0')).toHaveLength(1)
  })

  test('goes on with the stream of a database that was made anew, and forgets nothing', async () => {
    bench = await startBench({ issuer: withFeed })
    await bench.issuer.revoke('a')
    await bench.issuer.revoke('b')
    await bench.ready()
    await until(() => positions().includes('2'))
    bench.issuer.wipe()
    await bench.issuer.revoke('c')
    await untilRefused(await tokenWithJti('c'))
    for (const jti of ['a', 'b']) expect((await bench.ask(await tokenWithJti(jti))).status).toBe(401)
  })

  test('does not ask again and again where polls are answered at once without news', async () => {
    bench = await startBench({ issuer: withFeed })
    bench.issuer.answer('events', { sets: {}, moreAvailable: false, next: 's.0' })
    bench = await bench.restart()
    await bench.ready()
    const polls = bench.issuer.calls.events
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(bench.issuer.calls.events - polls).toBeLessThan(5)
  })

  describe('with a bound on its age', () => {
    const bounded = withFeed.replace(/ }$/, ', max_age: 4 }')

    test('lets nothing through once it is older, and all is well when it answers again', async () => {
      bench = await startBench({ issuer: bounded })
      await bench.ready()
      const token = await tokenWithJti('a')
      expect((await bench.ask(token)).status).toBe(200)
      bench.issuer.behave('events', 'hang')
      bench.clock.advance(3)
      expect((await bench.ask(token)).status).toBe(200)
      bench.clock.advance(2)
      expect((await bench.ask(token)).status).toBe(503)
      const { status, body } = await bench.admin('/readyz')
      expect([status, body]).toMatchObject([503, { reasons: ['revocations of test are not known'] }])
      bench.issuer.behave('events', 'normal')
      await bench.ready()
      expect((await bench.ask(token)).status).toBe(200)
    }, 20_000)

    test('is asked beside the poll that waits, so that quiet times are not taken for silence', async () => {
      bench = await startBench({ issuer: bounded })
      await bench.ready()
      const token = await tokenWithJti('a')
      for (let round = 0; round < 3; round++) {
        const polls = bench.issuer.calls.events
        await until(() => bench.issuer.calls.events > polls)
        await new Promise((resolve) => setTimeout(resolve, 100))
        bench.clock.advance(3)
        expect((await bench.ask(token)).status).toBe(200)
      }
      await bench.issuer.revoke('a')
      expect((await untilRefused(token)).ms).toBeLessThan(1_000)
    }, 30_000)

    test('is not recent again before all is read that it missed', async () => {
      bench = await startBench({ issuer: bounded })
      await bench.ready()
      const token = await tokenWithJti('a')
      expect((await bench.ask(token)).status).toBe(200)
      bench.issuer.behave('events', 'hang')
      bench.clock.advance(5)
      expect((await bench.ask(token)).status).toBe(503)
      await bench.issuer.goDown()
      bench.issuer.answer('events', { sets: {}, moreAvailable: true, next: 'stream-1.0' })
      bench.issuer.behave('events', 'normal')
      await bench.issuer.comeBack()
      const polls = bench.issuer.calls.events
      await until(() => bench.issuer.calls.events > polls + 2)
      expect((await bench.ask(token)).status).toBe(503)
      bench.issuer.answer('events', { sets: {}, moreAvailable: false, next: 'stream-1.0' })
      await bench.ready()
      expect((await bench.ask(token)).status).toBe(200)
    }, 20_000)

    test('is not known where the clock was set back, until the next answer', async () => {
      bench = await startBench({ issuer: bounded })
      await bench.ready()
      const iat = Math.floor(bench.clock.now() / 1_000) - 60
      const token = `Bearer ${await bench.issuer.mint({ claims: { iat } })}`
      expect((await bench.ask(token)).status).toBe(200)
      bench.issuer.behave('events', 'hang')
      bench.clock.advance(-30)
      expect((await bench.ask(token)).status).toBe(503)
      bench.issuer.behave('events', 'normal')
      await bench.issuer.goDown()
      await bench.issuer.comeBack()
      await bench.ready()
      expect((await bench.ask(token)).status).toBe(200)
    }, 20_000)

    test('grows older for as long as an event is in doubt', async () => {
      bench = await startBench({ issuer: bounded })
      await bench.ready()
      const token = await tokenWithJti('a')
      expect((await bench.ask(token)).status).toBe(200)
      await bench.issuer.revoke('b', { forged: true })
      await until(() => bench.log.join().includes('the revocation feed failed'))
      bench.clock.advance(5)
      const polls = positions().filter((position) => position === '1').length
      await until(() => positions().filter((position) => position === '1').length > polls + 1)
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect((await bench.ask(token)).status).toBe(503)
    }, 20_000)

    test('of one policy: its requests are 503 once it is older, those of others are not', async () => {
      bench = await startBench({
        issuer: withFeed,
        policy: 'revocations_within: 4',
        more: '  relaxed: { issuers: [test] }',
      })
      await bench.ready()
      const token = await tokenWithJti('a')
      const polls = bench.issuer.calls.events
      await until(() => bench.issuer.calls.events > polls)
      expect((await bench.ask(token)).status).toBe(200)
      bench.issuer.behave('events', 'hang')
      bench.clock.advance(6)
      expect((await bench.ask(token)).status).toBe(503)
      expect((await bench.ask(token, 'relaxed')).status).toBe(200)
      expect((await bench.admin('/readyz')).status).toBe(200)
      bench.issuer.behave('events', 'normal')
      await until(() => bench.issuer.calls.events > polls + 2)
      for (let attempt = 0; attempt < 100 && (await bench.ask(token)).status !== 200; attempt++)
        await new Promise((resolve) => setTimeout(resolve, 100))
      expect((await bench.ask(token)).status).toBe(200)
    }, 30_000)

    test('goes on however old it is where there is no bound', async () => {
      bench = await startBench({ issuer: withFeed })
      await bench.ready()
      bench.issuer.behave('events', 'hang')
      bench.clock.advance(200)
      expect((await bench.ask(await tokenWithJti('a'))).status).toBe(200)
    })
  })

  test('remembers what it had forgotten as expired where the clock is set back', async () => {
    bench = await startBench({ issuer: withFeed })
    await bench.ready()
    const token = await tokenWithJti('a')
    await bench.issuer.revoke('a')
    await untilRefused(token)
    bench.clock.advance(3_600)
    const later = await tokenWithJti('b')
    expect((await bench.ask(later)).status).toBe(200)
    await bench.issuer.revoke('b')
    await untilRefused(later)
    bench.issuer.behave('events', 'hang')
    bench.clock.advance(-3_600)
    await expect.poll(async () => (await bench.ask(token)).status, { timeout: 5_000 }).toBe(503)
    bench.issuer.behave('events', 'normal')
    await bench.issuer.goDown()
    await bench.issuer.comeBack()
    await until(() => positions().filter((position) => position === '0').length > 1)
    await bench.ready()
    expect((await bench.ask(token)).status).toBe(401)
    expect((await bench.ask(await tokenWithJti('c'))).status).toBe(200)
  }, 20_000)

  test('tells how recent it is, and how long a revocation took', async () => {
    bench = await startBench()
    await bench.issuer.revoke('before the start')
    bench = await bench.restart({ issuer: withFeed })
    await bench.ready()
    const feeds = async () => (await bench.admin('/readyz')).body
    expect(await feeds()).toMatchObject({ revocation_feeds: { test: { age_seconds: expect.any(Number) } } })
    expect(await feeds()).not.toMatchObject({ revocation_feeds: { test: { lag_seconds: expect.any(Number) } } })
    await bench.issuer.revoke('a')
    await untilRefused(await tokenWithJti('a'))
    await bench.issuer.revoke('a')
    const body = JSON.parse(JSON.stringify(await feeds()))
    expect(body.revocation_feeds.test.lag_seconds).toBeGreaterThanOrEqual(0)
    expect(body.revocation_feeds.test.lag_seconds).toBeLessThan(2)
    const metrics = String((await bench.admin('/metrics')).body)
    expect(metrics).toMatch(/revocations_total\{issuer="test"\} 1\n/)
    expect(metrics).toMatch(/revocation_lag_seconds\{issuer="test"\} \d/)
  })
})

/** A feed whose answers a test gives, and which events are genuine. */
function fakeFeed(options: { maxRevocations?: number } = {}) {
  const issuer = 'https://id.example'
  const believed = new Set<string>()
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const eventOf = (jti: string) => {
    const about = formatRevocation(issuer, { kind: 'token', value: jti, expiresAt: 9e9 })
    return `${encode({ alg: 'ES256' })}.${encode({ iss: issuer, aud: feedAudience(issuer), jti, ...about })}.c2ln`
  }
  /** Polls that wait for an answer, the immediate ones apart. */
  const polls = { waiting: [], immediate: [] } as Record<'waiting' | 'immediate', ((answer: HttpAnswer) => void)[]>
  const send = ({ body = '' }: HttpRequest) =>
    new Promise<HttpAnswer>((resolve) =>
      polls[JSON.parse(body).returnImmediately ? 'immediate' : 'waiting'].push(resolve),
    )
  const failures: unknown[] = []
  const feed = createRevocationFeed({
    ...{ name: 'feed', issuer, clientId: 'sidecar', endpoint: async () => `${issuer}/events`, now: Date.now },
    ...{ maxAgeMs: undefined, lookWithinMs: undefined, random: () => 0, onUnknownEvents: () => undefined },
    client: {
      send,
      postForm: () => Promise.reject(new Error('no form')),
      http: { send, close: async () => undefined },
    },
    async verify({ payload }) {
      if (!believed.has(String(payload.jti))) throw new Error('not believed')
      return payload
    },
    onFailure: (error) => void failures.push(error),
    ...options,
  })
  feed.start()
  return {
    ...{ feed, believed, polls, failures },
    async answer(kind: keyof typeof polls, jtis: string[], next: string) {
      await until(() => polls[kind].length > 0)
      const sets = Object.fromEntries(jtis.map((jti) => [jti, eventOf(jti)]))
      polls[kind].shift()?.({ status: 200, json: { sets, moreAvailable: false, next } })
    },
    async end() {
      const closing = feed.close()
      for (const resolve of [...polls.waiting, ...polls.immediate]) resolve({ status: 500, json: undefined })
      await closing
    },
  }
}

test('a feed that tells of more than can be remembered is not known, and goes no further', async () => {
  bench = await startBench()
  const { feed, believed, answer, failures, end } = fakeFeed({ maxRevocations: 1 })
  for (const jti of ['one', 'two']) believed.add(jti)
  await answer('immediate', ['one'], '1')
  await until(() => feed.synced())
  await answer('waiting', ['two'], '2')
  await until(() => !feed.synced())
  await until(() => failures.join().includes('too many revocations'))
  await end()
})

test('an event that comes into doubt while others are read again is read again as well', async () => {
  bench = await startBench()
  const { feed, believed, answer, polls, failures, end } = fakeFeed()
  await answer('immediate', [], '0')
  await answer('waiting', ['one'], '1')
  // The first is being read again, and will be believed, when the second comes.
  await until(() => polls.immediate.length > 0)
  believed.add('one')
  await answer('waiting', ['two'], '2')
  await until(() => failures.length === 2)
  await answer('immediate', ['one'], '1')
  await until(() => feed.isRevoked({ jti: 'one' }))
  believed.add('two')
  await answer('immediate', ['one', 'two'], '2')
  await until(() => feed.isRevoked({ jti: 'two' }))
  await end()
})
