import { connect } from 'node:net'
import { revocationEventTypes } from '@postern/protocol/revocation-event'
import { feedAudience } from '@postern/protocol/security-event'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, postgresOnly, type Store } from '../support/databases.ts'
import { atOnce as now, poll } from '../support/feed.ts'
import { basic, type Credentials, postForm, postJson, send } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant } from '../support/tenant.ts'

const longPollingMs = 700

async function postToken(issuer: string, by: Credentials) {
  return (await postForm(`${issuer}/token`, { grant_type: 'client_credentials' }, by)).json
}

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

  describe('a position', () => {
    const from = async (after: string) => (await poll(tenant.issuer, reader, { ...now, after })).revoked
    const all = async () => (await poll(tenant.issuer, reader, { ...now, maxEvents: 1_000 })).revoked

    test.each<[what: string, position: (next: string) => string]>([
      ['of another stream', (next) => next.replace(/^[^.]+/, '0c8f7f2e-1d2f-4a53-9f43-3f8dbb7b9b11')],
      ['ahead of its stream', (next) => next.replace(/[^.]+$/, '999999999999999')],
      ['of an earlier version', () => '17'],
      ['of nothing', () => 'x.y.z'],
    ])('%s begins from the beginning, and does not wait', async (_what, change) => {
      await revokeNew()
      const next = await position()
      const answer = await poll(tenant.issuer, reader, { after: change(next), maxEvents: 1_000 })
      expect(answer.revoked).toEqual(await all())
      expect(answer.next).toBe(next)
    })

    test('goes on after hours, and after everything before it has expired', async () => {
      const own = await createTenant(server, { access_token_lifetime: 86_400 })
      const [by, ownReader] = [await own.client(), await own.client({ may_introspect: true })]
      await revokeNew(by, own)
      const { next } = await poll(own.issuer, ownReader, now)
      server.advance(6 * 3_600_000)
      const jti = await revokeNew(by, own)
      expect((await poll(own.issuer, ownReader, { ...now, after: next })).revoked).toEqual([jti])
      server.advance(25 * 3_600_000)
      const later = await poll(own.issuer, ownReader, { ...now, after: next })
      expect(later).toMatchObject({ sets: {}, next })
      const last = await revokeNew(by, own)
      expect((await poll(own.issuer, ownReader, { ...now, after: next })).revoked).toEqual([last])
    })

    test('may be told by acknowledging events, as standard pollers do (RFC 8936 section 2.2)', async () => {
      const own = await createTenant(server)
      const [by, standard] = [await own.client(), await own.client({ may_introspect: true })]
      const ask = (body: object) => poll(own.issuer, standard, { ...now, maxEvents: 2, ...body })
      const revoked = []
      for (let count = 0; count < 5; count += 1) revoked.push(await revokeNew(by, own))
      const first = await ask({})
      expect(first.revoked).toEqual(revoked.slice(0, 2))
      const second = await ask({ ack: Object.keys(first.sets) })
      expect(second.revoked).toEqual(revoked.slice(2, 4))
      const [one = '', another = ''] = Object.keys(second.sets)
      const third = await ask({ ack: [one], setErrs: { [another]: { err: 'invalid_key', description: 'unknown' } } })
      expect(third).toMatchObject({ revoked: revoked.slice(4), moreAvailable: false })
      // Waits, though it names no position.
      const waiting = poll(own.issuer, standard, { ack: Object.keys(third.sets) })
      const news = await revokeNew(by, own)
      expect((await waiting).revoked).toEqual([news])
      // Nothing is lost by an acknowledgement: who names nothing hears all again, and what is no event is no position.
      expect((await ask({})).revoked).toEqual(revoked.slice(0, 2))
      expect((await ask({ ack: ['made-up', '9.9'] })).revoked).toEqual(revoked.slice(0, 2))
      expect((await ask({ ack: Object.keys(first.sets), after: third.next })).revoked).toEqual([news])
    })

    test('only, and no events, where none are asked for', async () => {
      await revokeNew()
      const answer = await poll(tenant.issuer, reader, { maxEvents: 0 })
      expect(answer).toMatchObject({ sets: {}, moreAvailable: true })
      expect(await from(answer.next)).toEqual((await poll(tenant.issuer, reader, now)).revoked)
    })
  })

  test('an answer has no more events than fit into it, and tells that there are more', async () => {
    const own = await createTenant(server)
    const from = await own.client({ may_introspect: true })
    // As long as a name may be, in as many bytes as there can be: some two kilobytes once signed.
    const subjects = Array.from({ length: 200 }, (_, index) => `${index} ${'💥'.repeat(120)}`)
    for (const value of subjects)
      await server.admin('POST', `/auth-servers/${own.id}/revocations`, { kind: 'subject', value })
    const first = await poll(own.issuer, from, { ...now, maxEvents: 1_000 })
    expect(JSON.stringify(first.sets).length).toBeLessThan(300 * 1024)
    expect(first.moreAvailable).toBe(true)
    const second = await poll(own.issuer, from, { ...now, maxEvents: 1_000, after: first.next })
    expect([...first.revoked, ...second.revoked]).toEqual(subjects)
    expect(second.moreAvailable).toBe(false)
  })

  test('an event is signed once, for all of its readers', async () => {
    const after = await position()
    await revokeNew()
    const another = await tenant.client({ may_introspect: true })
    const answers = await Promise.all([reader, another, reader].map((by) => poll(tenant.issuer, by, { ...now, after })))
    // Each signature with ES256 is another.
    expect(new Set(answers.flatMap(({ sets }) => Object.values(sets))).size).toBe(1)
  })

  test('two hundred waiting polls are answered by one revocation, within a second', async () => {
    const patient = await startTestServer(store, { longPollingMs: 20_000 })
    try {
      const own = await createTenant(patient)
      const [by, from] = [await own.client(), await own.client({ may_introspect: true })]
      const token = await own.token(by)
      const { next: after } = await poll(own.issuer, from, now)
      const waiting = Array.from({ length: 200 }, () => poll(own.issuer, from, { after }))
      await poll(own.issuer, from, { ...now, after })
      const began = performance.now()
      const revoked = own.revoke(by, token)
      const answers = await Promise.all(waiting)
      const took = performance.now() - began
      await revoked
      expect(new Set(answers.map(({ sets }) => JSON.stringify(sets))).size).toBe(1)
      expect(answers[0]?.revoked).toEqual([decodeJwt(token).jti])
      expect(took).toBeLessThan(1_000)
    } finally {
      await patient.close()
    }
  })

  describe('a waiting poll does not outlive the right to read', () => {
    const path = (own: Tenant, client: Credentials) => `/auth-servers/${own.id}/clients/${client.id}`
    const taken: [what: string, take: (own: Tenant, from: Credentials) => Promise<unknown>, refusal: unknown][] = [
      [
        'of a client that may no longer introspect',
        (own, from) => server.admin('PATCH', path(own, from), { may_introspect: false }),
        [400, 'unauthorized_client'],
      ],
      [
        'of a client that is disabled',
        (own, from) => server.admin('PATCH', path(own, from), { enabled: false }),
        [400, 'unauthorized_client'],
      ],
      [
        'of a client that is deleted',
        (own, from) => server.admin('DELETE', path(own, from)),
        [400, 'unauthorized_client'],
      ],
      [
        'at an auth server that is deleted',
        (own) => server.admin('DELETE', `/auth-servers/${own.id}`),
        [404, 'invalid_request'],
      ],
    ]
    test.each(taken)('%s', async (_what, take, refusal) => {
      const own = await createTenant(server)
      const [by, from] = [await own.client(), await own.client({ may_introspect: true })]
      const token = await own.token(by)
      const waiting = postJson(`${own.issuer}/events/poll`, {}, basic(from))
      await poll(own.issuer, from, now)
      await take(own, from)
      await own.revoke(by, token)
      const { status, json } = await waiting
      expect([status, json.error]).toEqual(refusal)
    })
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

  describe('after the database was', () => {
    const states: [what: string, statements: string[]][] = [
      ['made anew', ['delete from revocations', 'delete from revocation_streams']],
      [
        'restored to an earlier state',
        ['delete from revocations where sequence > 1', 'update revocation_streams set last_sequence = 1'],
      ],
    ]
    test.each(states)('%s, readers begin from the beginning and miss nothing', async (_what, statements) => {
      let running = await startTestServer(store, { longPollingMs })
      try {
        const own = await createTenant(running)
        const [by, from] = [await own.client(), await own.client({ may_introspect: true })]
        const first = await revokeNew(by, own)
        for (let count = 0; count < 3; count += 1) await revokeNew(by, own)
        const { next } = await poll(own.issuer, from, now)

        await running.close()
        for (const statement of statements) await store.query(running.variables, statement)
        const { variables } = running
        running = await startTestServer(store, { variables, longPollingMs })
        const issuer = `${running.origin}/${own.id}`
        const waiting = poll(issuer, from, { after: next })
        const token = String((await postToken(issuer, by)).access_token)
        await postForm(`${issuer}/revoke`, { token }, by)
        const answers = [await waiting]
        if (!answers[0]?.revoked.includes(String(decodeJwt(token).jti))) {
          answers.push(await poll(issuer, from, { after: String(answers[0]?.next) }))
        }
        const kept = statements.length === 2 && statements[0]?.includes('where') ? [first] : []
        expect(answers.flatMap(({ revoked }) => revoked)).toEqual([...kept, decodeJwt(token).jti])
      } finally {
        await running.close()
      }
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
