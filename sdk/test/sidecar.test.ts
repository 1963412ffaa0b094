import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Decision, DecisionQuery } from '@postern/protocol/decision'
import { freePort, temporaryFolder } from '@postern/tools/servers/process'
import { afterEach, describe, expect, test } from 'vitest'
import { createSidecarClient, type SidecarClientOptions, SidecarError } from '../src/sidecar.ts'

const query: DecisionQuery = {
  policy: 'demo',
  request: { method: 'GET', uri: '/a%2Fb?x=1', headers: ['Authorization', 'Bearer secret-token'] },
}
const allow: Decision = {
  decision: 'allow',
  remove_headers: ['authorization'],
  set_headers: { 'x-postern-subject': 'alice' },
  expires_at: 2_000_000_000,
}

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

describe('a decision', () => {
  test('is asked for as the contract says and returned', async () => {
    const seen: unknown[] = []
    const url = await listen(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      seen.push([
        request.method,
        request.url,
        request.headers['content-type'],
        JSON.parse(String(Buffer.concat(chunks))),
      ])
      json(response, 200, allow)
    })
    expect(await client({ url }).decide(query)).toEqual(allow)
    expect(seen).toEqual([['POST', '/v1/decisions', 'application/json', query]])
  })

  test('to refuse is returned, not thrown', async () => {
    const deny: Decision = {
      decision: 'deny',
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="postern"' },
      body: { error: 'invalid_token', error_description: 'expired' },
    }
    const url = await listen((_request, response) => json(response, 200, deny))
    expect(await client({ url }).decide(query)).toEqual(deny)
  })

  test('comes over a unix socket', async () => {
    const folder = await temporaryFolder('sdk')
    closers.push(folder.remove)
    const socketPath = join(folder.path, 'sidecar.sock')
    await listen((_request, response) => json(response, 200, allow), socketPath)
    expect(await client({ socketPath }).decide(query)).toEqual(allow)
  })

  test('uses its connections again', async () => {
    let connections = 0
    const url = await listen(
      (_request, response) => json(response, 200, allow),
      undefined,
      (server) =>
        server.on('connection', () => {
          connections += 1
        }),
    )
    const sidecar = client({ url })
    for (let call = 0; call < 30; call += 1) await sidecar.decide(query)
    // A call right after another may find its connection not yet free, and open the second and last one.
    expect(connections).toBeLessThanOrEqual(2)
  })

  test('opens no more connections than allowed', async () => {
    let connections = 0
    const url = await listen(
      (_request, response) => void setImmediate(() => json(response, 200, allow)),
      undefined,
      (server) =>
        server.on('connection', () => {
          connections += 1
        }),
    )
    const sidecar = client({ url, maxConnections: 3 })
    await Promise.all(Array.from({ length: 50 }, () => sidecar.decide(query)))
    expect(connections).toBe(3)
  })
})

describe('no decision', () => {
  const answers: [string, string, string][] = [
    ['text that is no JSON', '<html>it works</html>', 'nonsense'],
    ['an empty answer', '', 'nonsense'],
    ['a document of another kind', '{"status":"ok"}', 'nonsense'],
    ['an unknown decision', JSON.stringify({ ...allow, decision: 'maybe' }), 'nonsense'],
    ['an allow without removals', JSON.stringify({ ...allow, remove_headers: undefined }), 'nonsense'],
    ['a header with a line break', JSON.stringify({ ...allow, set_headers: { 'x-a': 'b\r\nx-c: d' } }), 'nonsense'],
    ['a header name with a blank', JSON.stringify({ ...allow, set_headers: { 'x a': 'b' } }), 'nonsense'],
    ['a refusal that is a success', '{"decision":"deny","status":200,"headers":{},"body":{}}', 'nonsense'],
    ['a decision out of date', JSON.stringify({ ...allow, expires_at: 999 }), 'expired'],
    ['more than fits', JSON.stringify({ ...allow, set_headers: { 'x-a': 'b'.repeat(70_000) } }), 'nonsense'],
  ]
  test.each(answers)('%s', async (_name, text, code) => {
    const url = await listen((_request, response) => response.end(text))
    await expect(client({ url, now: () => 1_000_000 }).decide(query)).rejects.toMatchObject({ code })
  })

  test.each([
    [404, 'unexpected_status'],
    [500, 'unexpected_status'],
    [204, 'unexpected_status'],
    [302, 'unexpected_status'],
    [400, 'query_refused'],
    [413, 'query_refused'],
  ])('status %i, even with the body of an allow', async (status, code) => {
    const url = await listen((_request, response) => json(response, status, allow))
    await expect(client({ url }).decide(query)).rejects.toMatchObject({ code })
  })

  test('nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    await expect(client({ url }).decide(query)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('the connection breaks', async () => {
    const url = await listen((request) => request.socket.destroy())
    await expect(client({ url }).decide(query)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('something answers that is not HTTP', async () => {
    const url = await listenRaw('SSH-2.0-x\r\n')
    await expect(client({ url }).decide(query)).rejects.toBeInstanceOf(SidecarError)
  })

  test('the answer never comes: the deadline ends it', async () => {
    const url = await listen(() => undefined)
    await expect(client({ url, timeoutMs: 50 }).decide(query)).rejects.toMatchObject({ code: 'timeout' })
  })

  test('the answer starts and never ends: the deadline ends it', async () => {
    const url = await listen((_request, response) => void response.write('{"decision":'))
    await expect(client({ url, timeoutMs: 50 }).decide(query)).rejects.toMatchObject({ code: 'timeout' })
  })

  test('one call more than may be under way is refused without asking', async () => {
    let calls = 0
    const url = await listen(() => {
      calls += 1
    })
    const sidecar = client({ url, timeoutMs: 300, maxPending: 2 })
    const waiting = [sidecar.decide(query), sidecar.decide(query)].map((call) => call.catch((error) => error.code))
    await expect(sidecar.decide(query)).rejects.toMatchObject({ code: 'overloaded' })
    expect(await Promise.all(waiting)).toEqual(['timeout', 'timeout'])
    expect(calls).toBe(2)
    await expect(sidecar.decide(query)).rejects.toMatchObject({ code: 'timeout' })
  })

  test.each([
    ['no JSON', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"token": secret-token'],
    ['no HTTP', 'secret-token'],
  ])('errors carry neither the token nor the answer: %s', async (_name, answer) => {
    const url = await listenRaw(answer)
    const error = await client({ url })
      .decide(query)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SidecarError)
    expect(inspect(error, { depth: 9 })).not.toContain('secret-token')
  })
})

test.each<SidecarClientOptions>([
  {},
  { url: 'http://127.0.0.1:1', socketPath: '/x' },
  { url: 'https://127.0.0.1:1' },
  { url: 'http://127.0.0.1:1/prefix' },
  { url: 'nonsense' },
])('options that name no sidecar are refused: %j', (options) => {
  expect(() => createSidecarClient(options)).toThrow(TypeError)
})

function client(options: SidecarClientOptions) {
  const created = createSidecarClient(options)
  closers.push(() => created.close())
  return created
}

async function listen(listener: RequestListener, path?: string, prepare?: (server: Server) => void): Promise<string> {
  const server = createServer(listener)
  prepare?.(server)
  await new Promise<void>((resolve) => (path ? server.listen(path, resolve) : server.listen(0, '127.0.0.1', resolve)))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return path ? '' : urlOf(server)
}

/** Answers each connection with these bytes, once it has received something. */
async function listenRaw(answer: string): Promise<string> {
  const server = createNetServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(answer, () => socket.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(() => resolve())))
  return urlOf(server)
}

function urlOf(server: { address(): unknown }): string {
  const address = server.address()
  if (typeof address !== 'object' || address === null || !('port' in address)) throw new Error('no TCP address')
  return `http://127.0.0.1:${address.port}`
}

function json(response: Parameters<RequestListener>[1], status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
