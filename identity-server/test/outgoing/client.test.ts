import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createOutgoingClient, type OutgoingClient, type OutgoingOptions } from '../../src/outgoing/client.ts'
import { type HttpsHost, hostName, startHttpHost, startHttpsHost } from '../support/https-host.ts'

let host: HttpsHost
let listener: RequestListener
const clients: OutgoingClient[] = []

beforeAll(async () => {
  host = await startHttpsHost((request, response) => listener(request, response))
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
})
afterAll(() => host.close())

const here = async () => ['127.0.0.1']

function client(options: Partial<OutgoingOptions> = {}): OutgoingClient {
  const made = createOutgoingClient({ allowPrivate: true, ca: [host.ca], resolve: here, ...options })
  clients.push(made)
  return made
}

const json =
  (body: unknown): RequestListener =>
  (_request, response) =>
    void response.setHeader('content-type', 'application/json').end(JSON.stringify(body))

const raw =
  (status: number, headers: Record<string, string | string[]>, body: string | Buffer = ''): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body)

const type = { 'content-type': 'application/json' }

describe('asks', () => {
  test('with a method, headers and a body, and answers with the parsed JSON', async () => {
    let asked: unknown
    listener = (request, response) => {
      request.setEncoding('utf8').on('data', (body) => {
        asked = {
          method: request.method,
          url: request.url,
          body,
          own: request.headers['x-own'],
          accept: request.headers.accept,
        }
        response.writeHead(200, { 'content-type': 'Application/JSON; charset=utf-8' }).end('{"a":[1,"ä"]}')
      })
    }
    const request = { method: 'POST', headers: { 'x-own': 'yes' }, body: '{}' } as const
    expect(await client().fetchJson(`${host.origin}/a?b=c`, request)).toEqual({ a: [1, 'ä'] })
    expect(asked).toEqual({ method: 'POST', url: '/a?b=c', body: '{}', own: 'yes', accept: 'application/json' })
  })

  test('over connections that it keeps', async () => {
    listener = json({})
    const before = host.connections()
    const one = client()
    for (let index = 0; index < 9; index += 1) await one.fetchJson(host.origin)
    // A second one where a request comes before the first connection is free again.
    expect(host.connections() - before).toBeLessThanOrEqual(2)
  })

  test('for the content types given', async () => {
    listener = raw(200, { 'content-type': 'application/jwk-set+json' }, '{}')
    const mediaTypes = ['application/jwk-set+json', 'application/json']
    expect(await client().fetchJson(host.origin, { mediaTypes })).toEqual({})
    await expect(client().fetchJson(host.origin)).rejects.toMatchObject({ reason: 'bad_content_type' })
  })

  test('plainly, this machine only, and only where private addresses are allowed', async () => {
    const plain = await startHttpHost((_request, response) => void response.writeHead(200, type).end('1'))
    expect(await client().fetchJson(plain.origin)).toBe(1)
    const named = plain.origin.replace('127.0.0.1', 'localhost')
    expect(await client().fetchJson(named)).toBe(1)
    await expect(client({ allowPrivate: false }).fetchJson(plain.origin)).rejects.toMatchObject({ reason: 'not_https' })
    const elsewhere = client({ resolve: async () => ['10.0.0.1'] })
    await expect(elsewhere.fetchJson(named)).rejects.toMatchObject({ reason: 'forbidden_address' })
    await plain.close()
  })
})

describe('server-side request forgery', () => {
  test.each([
    ['loopback', ['127.0.0.1']],
    ['a private address', ['10.0.0.1']],
    ['metadata of a cloud', ['169.254.169.254']],
    ['an address that wraps one', ['::ffff:127.0.0.1']],
    ['a public and a private address', ['1.1.1.1', '127.0.0.1']],
  ])('a name that leads to %s is not connected to', async (_what, addresses) => {
    listener = json({})
    const before = host.connections()
    const guarded = client({ allowPrivate: false, resolve: async () => addresses })
    await expect(guarded.fetchJson(host.origin)).rejects.toMatchObject({ reason: 'forbidden_address' })
    expect(host.connections()).toBe(before)
  })

  test('an address in the URL is not connected to, however it is written', async () => {
    const before = host.connections()
    const guarded = client({ allowPrivate: false })
    for (const address of ['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:7f00:1]', 'localhost.']) {
      const attempt = guarded.fetchJson(`https://${address}:${host.port}/`)
      await expect(attempt, address).rejects.toMatchObject({ reason: 'forbidden_address' })
    }
    expect(host.connections()).toBe(before)
  })

  test('DNS rebinding: what is connected to is what was checked, each time', async () => {
    listener = json({})
    const answers = [['1.1.1.1'], ['127.0.0.1'], ['127.0.0.1']]
    let lookups = 0
    // Whoever looked up once to check and once to connect would check 1.1.1.1 and connect to 127.0.0.1.
    const resolve = async () => answers[lookups++] ?? []
    const before = host.connections()
    const guarded = client({ allowPrivate: false, resolve })
    const first = guarded.fetchJson(host.origin, { timeoutMs: 200 })
    await expect(first).rejects.toMatchObject({ reason: expect.stringMatching(/^(timeout|unreachable)$/) })
    expect(lookups).toBe(1)
    await expect(guarded.fetchJson(host.origin)).rejects.toMatchObject({ reason: 'forbidden_address' })
    expect(host.connections()).toBe(before)
  })

  test.each([301, 302, 303, 307, 308, 300, 304])('a redirect (%i) is not followed', async (status) => {
    let asked = 0
    listener = (_request, response) => {
      asked += 1
      response.writeHead(status, { location: `https://127.0.0.1:${host.port}/private` }).end()
    }
    await expect(client().fetchJson(host.origin)).rejects.toMatchObject({ reason: 'redirect', status })
    expect(asked).toBe(1)
  })

  test('a certificate for another name is no answer', async () => {
    const other = host.origin.replace(hostName, 'other.example')
    await expect(client().fetchJson(other)).rejects.toMatchObject({ reason: 'unreachable' })
  })

  test('nor is one that nobody trusts', async () => {
    const stranger = createOutgoingClient({ allowPrivate: true, resolve: here })
    clients.push(stranger)
    await expect(stranger.fetchJson(host.origin)).rejects.toMatchObject({ reason: 'unreachable' })
  })

  test('neither cookies nor credentials go along, nor do they come back', async () => {
    const seen: unknown[] = []
    listener = (request, response) => {
      seen.push(request.headers.cookie, request.headers.authorization)
      response.writeHead(200, { ...type, 'set-cookie': 'a=b' }).end('{}')
    }
    const one = client()
    await one.fetchJson(host.origin)
    await one.fetchJson(host.origin)
    expect(seen).toEqual([undefined, undefined, undefined, undefined])
  })
})

describe('answers that are refused', () => {
  const cases: [what: string, reason: string, answer: RequestListener][] = [
    ['another status', 'bad_status', raw(500, type, '{}')],
    ['another success', 'bad_status', raw(201, type, '{}')],
    ['no content', 'bad_status', raw(204, {})],
    ['not found', 'bad_status', raw(404, type, '{}')],
    ['no content type', 'bad_content_type', raw(200, {}, '{}')],
    ['another content type', 'bad_content_type', raw(200, { 'content-type': 'text/html' }, '{}')],
    ['a content type that begins alike', 'bad_content_type', raw(200, { 'content-type': 'application/jsonp' }, '{}')],
    ['two content types', 'bad_content_type', raw(200, { 'content-type': 'text/html, application/json' }, '{}')],
    ['no JSON', 'not_json', raw(200, type, '{"a":')],
    ['nothing', 'not_json', raw(200, type, '')],
    ['JSON as deep as a well', 'not_json', raw(200, type, '['.repeat(200_000) + ']'.repeat(200_000))],
    ['deep objects', 'not_json', raw(200, type, `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`)],
    ['bytes that are no UTF-8', 'not_json', raw(200, type, Buffer.from([0x22, 0xff, 0x22]))],
    ['a compressed body', 'encoded', raw(200, { ...type, 'content-encoding': 'gzip' }, gzipSync('{}'))],
    ['a compressed body under two names', 'encoded', raw(200, { ...type, 'content-encoding': 'identity, br' }, '{}')],
    ['a bomb', 'encoded', raw(200, { ...type, 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(50_000_000, ' ')))],
    ['too much, as announced', 'too_large', raw(200, { ...type, 'content-length': '9999999999' }, '{}')],
    ['too much, not announced', 'too_large', raw(200, type, `"${'a'.repeat(600_000)}"`)],
    ['a huge header', 'too_large', raw(200, { ...type, 'x-huge': 'a'.repeat(20_000) }, '{}')],
    ['many headers', 'too_large', raw(200, { ...type, 'x-many': Array.from({ length: 3_000 }, () => 'abc') }, '{}')],
    ['a broken connection', 'unreachable', (_request, response) => void response.destroy()],
    [
      'a body that breaks off',
      'unreachable',
      (_request, response) => {
        response.writeHead(200, type).write('{')
        setTimeout(() => response.destroy(), 20)
      },
    ],
  ]
  test.each(cases)('%s: %s', async (_what, reason, answer) => {
    listener = answer
    const attempt = client().fetchJson(`${host.origin}/hidden?hidden=hidden`)
    await expect(attempt).rejects.toMatchObject({ name: 'OutgoingError', reason })
    await expect(attempt).rejects.not.toThrow(/hidden/)
  })

  test('brackets in text are no depth', async () => {
    const text = `${'[{'.repeat(100)}"\\`
    listener = json({ [text]: [text, '\\'] })
    expect(await client().fetchJson(host.origin)).toEqual({ [text]: [text, '\\'] })
  })

  test('the bound may be set', async () => {
    listener = json('a'.repeat(98))
    expect(await client().fetchJson(host.origin, { maxBytes: 100 })).toHaveLength(98)
    await expect(client().fetchJson(host.origin, { maxBytes: 99 })).rejects.toMatchObject({ reason: 'too_large' })
  })

  test('JSON without end is cut off at the bound, and the connection with it', async () => {
    let sent = 0
    let ended: () => void = () => undefined
    const gone = new Promise<void>((resolve) => {
      ended = resolve
    })
    listener = (_request, response) => {
      response.writeHead(200, type).write('[')
      const chunk = '1,'.repeat(8_192)
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length
      }
      response.on('drain', more).on('close', ended)
      more()
    }
    await expect(client().fetchJson(host.origin)).rejects.toMatchObject({ reason: 'too_large' })
    await gone
    expect(sent).toBeLessThan(10_000_000)
  })
})

describe('one deadline for everything', () => {
  const timeoutMs = 150
  const timeout = { reason: 'timeout' }

  async function expectTimeout(attempt: Promise<unknown>) {
    const begun = performance.now()
    await expect(attempt).rejects.toMatchObject(timeout)
    expect(performance.now() - begun).toBeLessThan(2_000)
  }

  test('a name that nobody resolves', () => {
    const resolve = () => new Promise<string[]>(() => undefined)
    return expectTimeout(client({ resolve }).fetchJson(host.origin, { timeoutMs }))
  })

  test('a host that accepts and then says nothing, not even TLS', async () => {
    const silent = createServer((socket) => socket.resume())
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    await expectTimeout(client().fetchJson(`https://${hostName}:${port}/`, { timeoutMs }))
    // The attempt to connect is given up, too, a little later.
    await new Promise((resolve) => silent.close(resolve))
  })

  test('no head', () => {
    listener = () => undefined
    return expectTimeout(client().fetchJson(host.origin, { timeoutMs }))
  })

  test('a body byte by byte (slowloris)', () => {
    listener = (_request, response) => {
      response.writeHead(200, type).write('[')
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    }
    return expectTimeout(client().fetchJson(host.origin, { timeoutMs }))
  })

  test('early hints without end', () => {
    listener = (_request, response) => {
      const timer = setInterval(() => response.writeProcessing(), 20)
      response.on('close', () => clearInterval(timer))
    }
    return expectTimeout(client().fetchJson(host.origin, { timeoutMs }))
  })
})

test('a slow host holds no more than its share', async () => {
  const waiting: (() => void)[] = []
  listener = (_request, response) => void waiting.push(() => response.writeHead(200, type).end('1'))
  const one = client()
  const under = Array.from({ length: 16 }, () => one.fetchJson(host.origin))
  await expect(one.fetchJson(host.origin)).rejects.toMatchObject({ reason: 'overloaded' })
  const other = await startHttpHost((_request, response) => void response.writeHead(200, type).end('2'))
  expect(await one.fetchJson(other.origin)).toBe(2)
  while (waiting.length < 16) await new Promise((resolve) => setTimeout(resolve, 5))
  for (const answer of waiting) answer()
  expect(await Promise.all(under)).toEqual(Array.from({ length: 16 }, () => 1))
  listener = json(3)
  expect(await one.fetchJson(host.origin)).toBe(3)
  await other.close()
})
