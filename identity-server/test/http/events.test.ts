import { connect } from 'node:net'
import { parseRevocation, revocationEventTypes } from '@postern/protocol/revocation-event'
import { feedAudience, type PollResponse } from '@postern/protocol/security-event'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, postgresOnly, type Store } from '../support/databases.ts'
import { basic, type Credentials, postJson, send } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant } from '../support/tenant.ts'

const longPollingMs = 700

interface Polled extends PollResponse {
  /** What the events are about, in their order: the `jti` of a revoked token. */
  revoked: string[]
}

async function poll(issuer: string, reader: Credentials, body: object, signal?: AbortSignal): Promise<Polled> {
  const answer = await postJson(`${issuer}/events/poll`, body, basic(reader), signal)
  if (answer.status !== 200) throw new Error(`poll answered ${answer.status}: ${answer.text}`)
  const { sets, moreAvailable, next } = answer.json
  const tokens = Object.values(Object(sets)).map(String)
  const revoked = tokens.map((set) => {
    const revocation = parseRevocation(decodeJwt(set), String(decodeJwt(set).iss))
    if (typeof revocation === 'string') throw new Error(`an event is ${revocation}`)
    return revocation.value
  })
  return { sets: Object(sets), moreAvailable: moreAvailable === true, next: String(next), revoked }
}

const now = { returnImmediately: true }

describe.each(databases)('the revocation feed on $kind', ({ start }) => {
  let store: Store
  let server: TestServer
  let tenant: Tenant
  let client: Credentials
  let reader: Credentials

  beforeAll(async () => {
    store = await start()
    server = await startTestServer(store, { longPollingMs })
    tenant = await createTenant(server)
    client = await tenant.client()
    reader = await tenant.client({ may_introspect: true })
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
  })

  const revokeNew = async (by = client, from = tenant): Promise<string> => {
    const token = await from.token(by)
    await from.revoke(by, token)
    return String(decodeJwt(token).jti)
  }
  const position = async () => {
    let next = '0'
    for (let more = true; more; ) {
      const answer = await poll(tenant.issuer, reader, { ...now, after: next })
      more = answer.moreAvailable
      next = answer.next
    }
    return next
  }

  test('begins with the oldest revocation in force, and goes on after the cursor', async () => {
    const own = await createTenant(server)
    const [by, from] = [await own.client(), await own.client({ may_introspect: true })]
    const empty = await poll(own.issuer, from, now)
    expect(empty).toMatchObject({ sets: {}, moreAvailable: false, next: '0' })
    const revoked = []
    for (let count = 0; count < 5; count += 1) revoked.push(await revokeNew(by, own))

    expect((await poll(own.issuer, from, now)).revoked).toEqual(revoked)
    const first = await poll(own.issuer, from, { ...now, maxEvents: 2 })
    expect([first.revoked, first.moreAvailable]).toEqual([revoked.slice(0, 2), true])
    const second = await poll(own.issuer, from, { ...now, maxEvents: 3, after: first.next })
    expect([second.revoked, second.moreAvailable]).toEqual([revoked.slice(2), false])
    const end = await poll(own.issuer, from, { ...now, after: second.next })
    expect(end).toMatchObject({ sets: {}, moreAvailable: false, next: second.next })
  })

  test('sends Security Event Tokens that verify with the published keys (RFC 8417)', async () => {
    const after = await position()
    const jti = await revokeNew()
    const { sets } = await poll(tenant.issuer, reader, { ...now, after })
    const [[id, set] = ['', '']] = Object.entries(sets)
    const { payload } = await jwtVerify(set, createRemoteJWKSet(new URL(`${tenant.issuer}/jwks`)), {
      issuer: tenant.issuer,
      audience: feedAudience(tenant.issuer),
      typ: 'secevent+jwt',
    })
    expect(payload).toEqual({
      iss: tenant.issuer,
      aud: feedAudience(tenant.issuer),
      iat: expect.any(Number),
      jti: id,
      sub_id: { format: 'jwt_id', iss: tenant.issuer, jti },
      events: { [revocationEventTypes.token]: { token_expires_at: expect.any(Number) } },
    })
    // Delivered again, it is the same event.
    const again = await poll(tenant.issuer, reader, { ...now, after })
    expect(Object.keys(again.sets)).toEqual([id])
  })

  test('names a token once, however often it is revoked', async () => {
    const after = await position()
    const token = await tenant.token(client)
    for (let count = 0; count < 3; count += 1) await tenant.revoke(client, token)
    expect((await poll(tenant.issuer, reader, { ...now, after })).revoked).toHaveLength(1)
  })

  test('wakes a waiting poll as soon as a token is revoked', async () => {
    const after = await position()
    const waiting = Promise.all(Array.from({ length: 20 }, () => poll(tenant.issuer, reader, { after })))
    // A round trip, so that the polls are there before the revocation.
    await poll(tenant.issuer, reader, { ...now, after })
    const jti = await revokeNew()
    const began = performance.now()
    for (const answer of await waiting) expect(answer.revoked).toEqual([jti])
    expect(performance.now() - began).toBeLessThan(500)
  })

  test('is not woken by a revocation of another auth server', async () => {
    const other = await createTenant(server)
    const by = await other.client()
    const after = await position()
    const waiting = poll(tenant.issuer, reader, { after })
    await revokeNew(by, other)
    expect(await waiting).toMatchObject({ sets: {}, next: after })
  })

  test('answers a poll without news after the long-polling time', async () => {
    const after = await position()
    const began = performance.now()
    expect(await poll(tenant.issuer, reader, { after })).toMatchObject({ sets: {}, moreAvailable: false, next: after })
    const took = performance.now() - began
    expect(took).toBeGreaterThan(longPollingMs - 50)
    expect(took).toBeLessThan(longPollingMs + 1_000)
  })

  test('goes on after a client that went away while it waited', async () => {
    const after = await position()
    const gone = new AbortController()
    const waiting = poll(tenant.issuer, reader, { after }, gone.signal)
    await poll(tenant.issuer, reader, { ...now, after })
    gone.abort()
    await expect(waiting).rejects.toThrow()
    const jti = await revokeNew()
    expect((await poll(tenant.issuer, reader, { after })).revoked).toEqual([jti])
    expect(server.logs()).not.toContain('"level":50')
  })

  test('forgets a revocation once its token has expired', async () => {
    const own = await createTenant(server, { access_token_lifetime: 60 })
    const [by, from] = [await own.client(), await own.client({ may_introspect: true })]
    await revokeNew(by, own)
    server.advance(61_000)
    const jti = await revokeNew(by, own)
    expect((await poll(own.issuer, from, now)).revoked).toEqual([jti])
  })

  describe('refuses', () => {
    const refused: [name: string, body: object, status: number, error: string, by: () => Credentials][] = [
      ['a client that may not introspect', now, 400, 'unauthorized_client', () => client],
      ['a wrong secret', now, 401, 'invalid_client', () => ({ ...reader, secret: 'x' })],
      ['an unknown member', { ...now, acks: [] }, 400, 'invalid_request', () => reader],
      ['a cursor of strange characters', { ...now, after: 'a b' }, 400, 'invalid_request', () => reader],
      ['a cursor that is a number', { ...now, after: 1 }, 400, 'invalid_request', () => reader],
      ['fewer than no events', { ...now, maxEvents: -1 }, 400, 'invalid_request', () => reader],
      ['too many events', { ...now, maxEvents: 1001 }, 400, 'invalid_request', () => reader],
    ]
    test.each(refused)('%s', async (_name, body, status, error, by) => {
      const answer = await postJson(`${tenant.issuer}/events/poll`, body, basic(by()))
      expect([answer.status, answer.json.error]).toEqual([status, error])
    })
    test('malformed JSON, no authentication, an unknown auth server', async () => {
      const ask = (issuer: string, body: string, headers: Record<string, string>) =>
        send(`${issuer}/events/poll`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...headers },
        })
      expect((await ask(tenant.issuer, '{', basic(reader))).status).toBe(400)
      expect((await ask(tenant.issuer, '{}', {})).status).toBe(401)
      expect((await ask(`${server.origin}/no`, '{}', basic(reader))).status).toBe(404)
    })
  })

  test('ends waiting polls when the server closes, and closes although connections idle', async () => {
    const closing = await startTestServer(store, { longPollingMs: 20_000 })
    const own = await createTenant(closing)
    const from = await own.client({ may_introspect: true })
    const idle = connect(Number(new URL(closing.origin).port), '127.0.0.1')
    await new Promise((resolve) => idle.once('connect', resolve))
    const waiting = poll(own.issuer, from, {})
    await poll(own.issuer, from, now)
    const began = performance.now()
    await Promise.all([closing.close(), waiting.then((answer) => expect(answer.sets).toEqual({}))])
    expect(performance.now() - began).toBeLessThan(2_000)
    idle.destroy()
  })
})

describe.each(postgresOnly)('two servers on one PostgreSQL', ({ start }) => {
  test('a reader with a cursor misses no revocation of either, and both refuse the tokens at once', async () => {
    const store = await start()
    const first = await startTestServer(store, { longPollingMs })
    const second = await startTestServer(store, {
      variables: first.variables,
      environment: { POSTERN_PUBLIC_ORIGIN: first.origin },
      longPollingMs,
    })
    try {
      const tenant = await createTenant(first)
      const client = await tenant.client()
      const reader = await tenant.client({ may_introspect: true })
      const other = { ...tenant, issuer: tenant.issuer.replace(first.origin, second.address) }
      const tokens = await Promise.all(Array.from({ length: 120 }, () => tenant.token(client)))

      const seen: string[] = []
      const read = async () => {
        let after = '0'
        while (seen.length < tokens.length) {
          const answer = await poll(seen.length % 2 ? tenant.issuer : other.issuer, reader, { after, maxEvents: 7 })
          // A poll waits for news: an empty answer means that nothing came during the long-polling time.
          if (answer.revoked.length === 0) return
          seen.push(...answer.revoked)
          after = answer.next
        }
      }
      const reading = read()
      const revoke = (issuer: string, token: string) =>
        fetch(`${issuer}/revoke`, { method: 'POST', body: new URLSearchParams({ token }), headers: basic(client) })
      const answers = await Promise.all(
        tokens.map((token, index) => revoke(index % 2 ? tenant.issuer : other.issuer, token)),
      )
      expect(answers.every(({ status }) => status === 200)).toBe(true)
      await reading
      expect(seen.toSorted()).toEqual(tokens.map((token) => String(decodeJwt(token).jti)).sort())

      const introspect = async (issuer: string, token: string) => {
        const body = new URLSearchParams({ token })
        const answer = await send(`${issuer}/introspect`, { method: 'POST', body, headers: basic(client) })
        return answer.json
      }
      const token = await tenant.token(client)
      expect(await introspect(other.issuer, token)).toMatchObject({ active: true })
      await tenant.revoke(client, token)
      const began = performance.now()
      while ((await introspect(other.issuer, token)).active) expect(performance.now() - began).toBeLessThan(1_000)
    } finally {
      await Promise.all([first.close(), second.close()])
      await store.stop()
    }
  })
})
