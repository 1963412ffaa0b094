import type { RequestListener } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRemoteAttributes, type RemoteAttributes } from '../../../src/claims/sources/remote.ts'
import type { Question } from '../../../src/claims/sources/source.ts'
import { createOutgoingClient, type OutgoingClient } from '../../../src/outgoing/client.ts'
import { startHttpHost } from '../../support/https-host.ts'

let host: Awaited<ReturnType<typeof startHttpHost>>
let outgoing: OutgoingClient
let remote: RemoteAttributes
let asked: string[]
let authorizations: (string | undefined)[]
let listener: RequestListener
let time: number

const json =
  (value: unknown, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))

const create = (options: Partial<Parameters<typeof createRemoteAttributes>[0]> = {}) => {
  remote?.close()
  remote = createRemoteAttributes({
    fetchJson: (url, headers, timeoutMs) => outgoing.fetchJson(url, { headers, timeoutMs }),
    now: () => time,
    ...options,
  })
}

beforeEach(async () => {
  asked = []
  authorizations = []
  time = 1_000_000
  listener = json({ team: 'blue' })
  host = await startHttpHost((request, response) => {
    asked.push(request.url ?? '')
    authorizations.push(request.headers.authorization)
    listener(request, response)
  })
  outgoing = createOutgoingClient({ allowPrivate: true })
  create()
})
afterEach(async () => {
  remote.close()
  await outgoing.close()
  await host.close()
})

const question = (path = '/alice', members: Partial<Question> = {}): Question => ({
  source: 'acme\ndirectory\n1',
  url: `${host.origin}${path}`,
  authorization: undefined,
  timeoutMs: 1_000,
  cacheMs: 60_000,
  ...members,
})
const ask = async (...args: Parameters<typeof question>) => remote.ask(question(...args))
const reason = (...args: Parameters<typeof question>) =>
  ask(...args).then(
    () => 'answered',
    (error) => error.reason,
  )

describe('answers', () => {
  test('are kept for as long as the source allows, and then asked for anew', async () => {
    expect(await ask()).toEqual({ team: 'blue' })
    listener = json({ team: 'red' })
    time += 59_999
    // Known, so at once: nothing to wait for.
    expect(remote.ask(question())).toEqual({ team: 'blue' })
    time += 2
    expect(await ask()).toEqual({ team: 'red' })
    expect(asked).toHaveLength(2)
  })

  test('are not kept where the source forbids it', async () => {
    await ask('/alice', { cacheMs: 0 })
    await ask('/alice', { cacheMs: 0 })
    expect(asked).toHaveLength(2)
  })

  test('belong to one source of one tenant, in one state, and to one URL', async () => {
    await ask()
    for (const source of ['other\ndirectory\n1', 'acme\nother\n1', 'acme\ndirectory\n2'])
      await ask('/alice', { source })
    await ask('/bob')
    expect(asked).toHaveLength(5)
  })

  test('may be null, false or a list, and are kept as well', async () => {
    for (const value of [null, false, [1], 'text', 0]) {
      listener = json(value)
      const path = `/${JSON.stringify(value).length}${typeof value}`
      expect(await ask(path)).toEqual(value)
      expect(remote.ask(question(path))).toEqual(value)
    }
  })

  test('fill no more memory than allowed, the oldest giving way', async () => {
    create({ maxBytes: 40_000 })
    listener = json('x'.repeat(10_000))
    for (let index = 0; index < 10; index += 1) await ask(`/${index}`)
    expect(remote.ask(question('/9'))).toBeTypeOf('string')
    await ask('/0')
    expect(asked).toHaveLength(11)
  })

  test('one call, however many ask the same at the same time', async () => {
    const release = Promise.withResolvers<void>()
    listener = (request, response) => void release.promise.then(() => json({ team: 'blue' })(request, response))
    const answers = Array.from({ length: 500 }, () => ask())
    release.resolve()
    expect(new Set((await Promise.all(answers)).map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(asked).toHaveLength(1)
  })

  test('are asked for with the credential, which no other source gets', async () => {
    await ask('/alice', { authorization: 'Bearer secret' })
    await ask('/alice', { source: 'acme\nother\n1' })
    expect(authorizations).toEqual(['Bearer secret', undefined])
  })
})

describe('a source in trouble', () => {
  const troubles: [what: string, answer: RequestListener, reason: string][] = [
    [
      'no JSON',
      (_request, response) => void response.setHeader('content-type', 'application/json').end('{'),
      'not_json',
    ],
    [
      'another type',
      (_request, response) => void response.setHeader('content-type', 'text/html').end('{}'),
      'bad_content_type',
    ],
    ['an error', json({}, 500), 'bad_status'],
    ['not found', json({}, 404), 'bad_status'],
    ['a redirect', (_request, response) => void response.writeHead(302, { location: '/bob' }).end(), 'redirect'],
    ['silence', () => undefined, 'timeout'],
    ['the end of the connection', (request) => void request.socket.destroy(), 'unreachable'],
    ['more than allowed', json('x'.repeat(100_000)), 'too_large'],
    ['lists in lists', json(JSON.parse(`${'['.repeat(30)}${']'.repeat(30)}`)), 'too_deep'],
  ]

  test.each(troubles)('answers %s: refused, and not kept', async (_what, answer, expected) => {
    listener = answer
    expect(await reason('/alice', { timeoutMs: 200 })).toBe(expected)
    listener = json({ team: 'blue' })
    expect(await ask()).toEqual({ team: 'blue' })
  })

  test.each<[what: string, answer: RequestListener]>([
    ['errors', json({}, 503)],
    ['is silent', () => undefined],
    ['breaks connections', (request) => void request.socket.destroy()],
  ])('%s: left alone after a few calls, and tried again later', async (_what, answer) => {
    create({ resetAfterMs: 300 })
    listener = answer
    for (let call = 0; call < 20; call += 1) await reason(`/${call}`, { timeoutMs: 50 })
    expect(asked.length).toBeLessThan(10)
    expect(await reason('/x')).toBe('unavailable')
    // Another source is not concerned, though it asks the same host.
    listener = json({ team: 'blue' })
    expect(await reason('/alice', { source: 'acme\nother\n1' })).toBe('answered')
    await expect.poll(() => reason('/y'), { timeout: 5_000 }).toBe('answered')
  })

  test('whoever may choose what is asked cannot close it for everybody', async () => {
    listener = (request, response) =>
      json(request.url === '/alice' ? { team: 'blue' } : {}, request.url === '/alice' ? 200 : 404)(request, response)
    for (let call = 0; call < 50; call += 1) expect(await reason(`/nobody/${call}`)).toBe('bad_status')
    expect(await ask()).toEqual({ team: 'blue' })
  })

  test('holds no more than so many callers, and refuses the others at once', async () => {
    create({ capacity: 5 })
    listener = () => undefined
    const waiting = Array.from({ length: 5 }, (_, index) => reason(`/${index}`, { timeoutMs: 500 }))
    const begun = performance.now()
    expect(await reason('/late', { timeoutMs: 5_000 })).toBe('overloaded')
    expect(performance.now() - begun).toBeLessThan(400)
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['timeout']))
  })

  test('does not open its breaker because of our own bound', async () => {
    create({ capacity: 1 })
    const release = Promise.withResolvers<void>()
    listener = (request, response) => void release.promise.then(() => json({ team: 'blue' })(request, response))
    const first = ask('/first')
    for (let call = 0; call < 20; call += 1) expect(await reason(`/${call}`)).toBe('overloaded')
    release.resolve()
    expect(await first).toEqual({ team: 'blue' })
    expect(await reason('/after')).toBe('answered')
  })

  test('a failure reaches all who wait for the same answer', async () => {
    listener = json({}, 500)
    const reasons = await Promise.all(Array.from({ length: 50 }, () => reason()))
    expect(new Set(reasons)).toEqual(new Set(['bad_status']))
    expect(asked).toHaveLength(1)
  })
})
