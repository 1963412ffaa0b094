import { request as httpRequest } from 'node:http'
import { readDpopProof } from '@postern/protocol/dpop'
import { fastify } from 'fastify'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { sha256 } from '../../src/remote/sha256.ts'
import type { UpstreamStep } from '../../src/steps/upstream-token.ts'
import { upstreamTokens } from '../../src/transports/upstream-tokens.ts'
import type { TestIssuer } from '../support/issuer.ts'
import {
  type Answer,
  type BenchOptions,
  plainUpstream,
  startBench,
  type TestBench,
  withFeed,
  withUpstream,
} from '../support/sidecar.ts'

let bench: TestBench | undefined

afterEach(async () => {
  await bench?.close()
  bench = undefined
})

async function started(options: BenchOptions = {}): Promise<TestBench> {
  bench = await startBench(options)
  return bench
}

const handedOut = (issuer: string) => `${plainUpstream(issuer)}, handed_out: true`
const exchanging = (issuer: string) => `${handedOut(issuer)}, grant: { token_exchange: {} }`

describe('a token for an upstream', () => {
  test('is given to whoever asks, once it is allowed', async () => {
    const { upstreamToken, issuer, clock } = await started({ upstream: handedOut })
    const [answer] = await Promise.all(Array.from({ length: 20 }, () => upstreamToken('POST', {})))
    expect(answer?.status).toBe(200)
    expect(answer?.headers.get('cache-control')).toBe('no-store')
    expect(answer?.body).toMatchObject({ access_token: 'upstream-token-1', token_type: 'Bearer' })
    expect(issuer.calls.token).toBe(1)
    clock.advance(30)
    const { expires_in } = (await upstreamToken('POST', {})).body as { expires_in: number }
    expect(expires_in).toBeGreaterThanOrEqual(50)
    expect(expires_in).toBeLessThanOrEqual(65)
  })

  test('is not given unless it is allowed, nor for an upstream that there is not', async () => {
    const { upstreamToken, issuer } = await started()
    expect(await upstreamToken('POST', {})).toMatchObject({ status: 403, body: { error: 'access_denied' } })
    expect(await upstreamToken('POST', {}, 'other')).toMatchObject({ status: 404, body: { error: 'unknown_upstream' } })
    expect(await upstreamToken('DELETE', { token: 'a' }, 'other')).toMatchObject({ status: 404 })
    expect(issuer.calls.token).toBe(0)
  })

  test('is given to no page that a browser shows', async () => {
    const { sidecar } = await started({ upstream: handedOut })
    for (const method of ['POST', 'DELETE']) {
      for (const header of [
        ['origin', 'http://127.0.0.1'],
        ['sec-fetch-site', 'same-origin'],
      ] as const) {
        const url = `${sidecar.address}/v1/upstream-tokens/orders`
        const status = await new Promise((resolve, reject) => {
          const headers = { 'content-type': 'application/json', 'content-length': 13, [header[0]]: header[1] }
          const request = httpRequest(url, { method, headers }, ({ statusCode }) => resolve(statusCode))
          request.on('error', reject).end('{"token":"a"}')
        })
        expect(status).toBe(403)
      }
    }
  })

  test('is asked for in JSON, with members that are known', async () => {
    const { upstreamToken, sidecar } = await started({ upstream: handedOut })
    for (const body of [{ other: 1 }, { caller_token: '' }, { request: { method: 'GET' } }, []]) {
      expect(await upstreamToken('POST', body)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    }
    for (const body of [{}, { token: 'a', token_sha256: sha256('a') }, { token_sha256: 'short' }]) {
      expect(await upstreamToken('DELETE', body)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    }
    const form = { method: 'POST', body: new URLSearchParams({ caller_token: 'a' }) }
    expect((await fetch(`${sidecar.address}/v1/upstream-tokens/orders`, form)).status).toBe(415)
    expect((await fetch(`${sidecar.address}/v1/upstream-tokens/orders`, { method: 'POST' })).status).toBe(400)
  })

  test('is 503 where there is none, with the reason in the log and no secret in either', async () => {
    const { upstreamToken, issuer, log } = await started({ upstream: handedOut })
    issuer.answer('token', { error: 'invalid_client', error_description: 'not test-secret' })
    const answer = await upstreamToken('POST', {})
    expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(JSON.stringify([answer.body, log])).not.toContain('test-secret')
    expect(log.join('')).toContain('no token response')
    for (let times = 0; times < 20; times++) await upstreamToken('POST', {})
    // One line for what the endpoint said, and one for those who came a moment later.
    expect(log.filter((line) => line.includes('no token for an upstream')).length).toBeLessThanOrEqual(2)
  })

  test('that had to be waited for lives as long as it does from then on', async () => {
    let time = 0
    const app = fastify()
    const token = {
      accessToken: 'a',
      scheme: 'Bearer',
      boundTo: undefined,
      headerValue: 'Bearer a',
      expiresAt: 10_000,
    } as const
    const source = {
      async get() {
        time += 3_000
        return token
      },
      current: () => undefined,
      peek: () => undefined,
    }
    const upstream: UpstreamStep = {
      header: 'authorization',
      handedOut: true,
      tokensOf: () => source,
      purge: () => 'not_current',
      purges: { purged: 0, not_current: 0, too_soon: 0 },
      expiresAt: () => undefined,
      callers: () => 0,
    }
    const during = <Made>(work: () => Made) => work()
    const checkCaller = () => expect.fail('it stands for nobody')
    const onUnavailable = () => undefined
    upstreamTokens(app, { upstreamOf: () => upstream, checkCaller, during, now: () => time, onUnavailable })
    const answer = await app.inject({ method: 'POST', url: '/v1/upstream-tokens/orders', payload: {} })
    expect(answer.json()).toEqual({ access_token: 'a', token_type: 'Bearer', expires_in: 7 })
    await app.close()
  })

  test('is 503 for everybody in an outage, and one line of the log in a while', async () => {
    const { upstreamToken, issuer, log, clock } = await started({ upstream: handedOut })
    issuer.behave('token', 'status500')
    const lines = () => log.filter((line) => line.includes('no token for an upstream'))
    for (let count = 0; count < 20; count++) expect((await upstreamToken('POST', {})).status).toBe(503)
    // As it was, and as it was a moment ago.
    expect(lines().length).toBeLessThanOrEqual(2)
    clock.advance(6)
    for (let count = 0; count < 3; count++) await upstreamToken('POST', {})
    expect(lines().join()).toContain('"left_out":')
  })
})

describe('a token on behalf of a caller', () => {
  test("is exchanged for the caller's, which the issuer judges", async () => {
    const { upstreamToken, issuer } = await started({ upstream: exchanging })
    expect(await upstreamToken('POST', {})).toMatchObject({ status: 400 })
    const caller_token = await issuer.mint()
    expect(await upstreamToken('POST', { caller_token })).toMatchObject({
      status: 200,
      body: { access_token: 'upstream-token-1' },
    })
    const form = new URLSearchParams(issuer.received.token[0])
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: caller_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
  })

  test('does not outlive it, nor a minute where nobody knows how long that is', async () => {
    const { upstreamToken, issuer, clock } = await started({ upstream: exchanging })
    const caller_token = await issuer.mint({ claims: { exp: Math.floor(clock.now() / 1_000) + 20 } })
    const lifetime = async (token: string) =>
      ((await upstreamToken('POST', { caller_token: token })).body as { expires_in: number }).expires_in
    expect(await lifetime(caller_token)).toBeLessThanOrEqual(20)
    expect(await lifetime('opaque')).toBeLessThanOrEqual(60)
    clock.advance(20)
    expect(await upstreamToken('POST', { caller_token })).toMatchObject({ status: 503 })
  })

  test('is not given any more once theirs is revoked', async () => {
    const { upstreamToken, issuer, ready } = await started({ issuer: withFeed, upstream: exchanging })
    await ready()
    const [revoked, other] = [await issuer.mint({ claims: { jti: 'revoked' } }), await issuer.mint()]
    for (const caller_token of [revoked, other]) {
      expect((await upstreamToken('POST', { caller_token })).status).toBe(200)
    }
    await issuer.revoke('revoked')
    await vi.waitFor(async () =>
      expect(await upstreamToken('POST', { caller_token: revoked })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      }),
    )
    expect((await upstreamToken('POST', { caller_token: other })).status).toBe(200)
    expect(issuer.calls.token).toBe(2)
  })

  test('is not given while nobody knows whether theirs is revoked, nor for one that could not be', async () => {
    const before = (down: TestIssuer) => down.behave('events', 'status500')
    const { upstreamToken, issuer, ready } = await started({ issuer: withFeed, upstream: exchanging, before })
    expect(await upstreamToken('POST', { caller_token: await issuer.mint() })).toMatchObject({ status: 503 })
    issuer.behave('events', 'normal')
    await ready()
    expect((await upstreamToken('POST', { caller_token: await issuer.mint() })).status).toBe(200)
    const nameless = await issuer.mint({ claims: { jti: undefined } })
    expect((await upstreamToken('POST', { caller_token: nameless })).status).toBe(400)
  })

  test('of whom nobody has verified what he says is not minted from his claims', async () => {
    const key = JSON.stringify({ kty: 'EC', crv: 'P-256', ...p256 }).replaceAll('"', "'")
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the configuration
    const subject = 'user-${sub}'
    const bearer = `jwt_bearer: { key: { value: "${key.replaceAll("'", '\\"')}" }, subject: '${subject}', audience: a }`
    const { upstreamToken, issuer, ask } = await started({
      policy: withUpstream,
      upstream: (url) => `${handedOut(url)}, grant: { ${bearer} }`,
    })
    expect(await upstreamToken('POST', { caller_token: await issuer.mint() })).toMatchObject({ status: 400 })
    expect(issuer.calls.token).toBe(0)
    const decided = await ask(`Bearer ${await issuer.mint()}`)
    expect(decided.headers.get('authorization')).toBe('Bearer upstream-token-1')
  })
})

/** A key that signs nothing else. */
const p256 = {
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
}

describe('a token that the upstream refused', () => {
  test('is fetched anew, once for a thousand who say so, and then decisions carry the new one', async () => {
    const upstream = (url: string) => `${plainUpstream(url)}, purge_interval: 600`
    const { upstreamToken, issuer, ask, admin } = await started({ policy: withUpstream, upstream })
    const caller = `Bearer ${await issuer.mint()}`
    expect((await ask(caller)).headers.get('authorization')).toBe('Bearer upstream-token-1')
    const answers: Answer[] = []
    for (let batch = 0; batch < 10; batch++) {
      const bodies = [{ token: 'upstream-token-1' }, { token_sha256: sha256('upstream-token-1') }]
      const sent = Array.from({ length: 50 }, () => bodies.map((body) => upstreamToken('DELETE', body)))
      answers.push(...(await Promise.all(sent.flat())))
    }
    const outcomes = answers.map(({ body }) => (body as { outcome: string }).outcome)
    expect(outcomes.filter((outcome) => outcome === 'purged')).toHaveLength(1)
    expect((await ask(caller)).headers.get('authorization')).toBe('Bearer upstream-token-2')
    expect(issuer.calls.token).toBe(2)
    expect((await upstreamToken('DELETE', { token: 'upstream-token-2' })).body).toEqual({ outcome: 'too_soon' })
    expect((await upstreamToken('DELETE', { token: 'made up' })).body).toEqual({ outcome: 'not_current' })
    expect((await ask(caller)).headers.get('authorization')).toBe('Bearer upstream-token-2')
    expect(issuer.calls.token).toBe(2)
    const metrics = String((await admin('/metrics')).body)
    expect(metrics).toContain('postern_sidecar_upstream_token_purges_total{upstream="orders",outcome="purged"} 1')
    expect(metrics).toContain('postern_sidecar_upstream_token_purges_total{upstream="orders",outcome="too_soon"} 1')
    expect(metrics).toMatch(/postern_sidecar_upstream_token_expires_in_seconds\{upstream="orders"\} \d\d/)
  })
})

describe('a token that is bound to a key', () => {
  test('comes with a proof for the request', async () => {
    const { upstreamToken, issuer } = await started({ upstream: (url) => `${handedOut(url)}, dpop: {}` })
    issuer.answer('token', { access_token: 'bound', token_type: 'DPoP', expires_in: 60 })
    const request = { method: 'PUT', uri: 'https://stock.example/items/1?a=b' }
    const { body } = await upstreamToken('POST', { request })
    const { dpop, ...others } = body as Record<string, string>
    expect(others).toMatchObject({ access_token: 'bound', token_type: 'DPoP' })
    expect(readDpopProof(dpop ?? '')?.claims).toMatchObject({
      htm: 'PUT',
      htu: 'https://stock.example/items/1',
      ath: sha256('bound'),
    })
    expect(await upstreamToken('POST', {})).toMatchObject({ status: 400 })
    expect(await upstreamToken('POST', { request: { method: 'PUT', uri: '/items/1' } })).toMatchObject({ status: 400 })
  })
})
