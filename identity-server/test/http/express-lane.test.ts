/** The express lane and Fastify's way lead to the same answers. */
import { connect } from 'node:net'
import { fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { openExpressLane } from '../../src/http/express-lane.ts'
import { databases } from '../support/databases.ts'
import { type Answer, basic, type Credentials, send } from '../support/http.ts'
import type { TestServer } from '../support/server.ts'
import { type Tenant, useTenant } from '../support/tenant.ts'

const form = 'application/x-www-form-urlencoded'

describe.each(databases.slice(0, 1))('the express lane', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let client: Credentials

  useTenant(start, async (bench) => {
    server = bench.server
    tenant = bench.tenant
    client = await tenant.client()
  })

  const request = (endpoint: string, body: string, headers: Record<string, string> = {}, type = form) =>
    send(`${tenant.issuer}/${endpoint}`, {
      method: 'POST',
      headers: { 'content-type': type, ...basic(client), ...headers },
      body,
    })

  /** Whatever differs from answer to answer is left out; and how long a connection lasts, which is no part of an answer. */
  const withoutChance = ({ status, headers, text }: Answer) => ({
    status,
    headers: Object.fromEntries([...headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))),
    text: text
      .replaceAll(/"(access_token|jti|exp|iat)":("[^"]*"|\d+)/g, '"$1":…')
      .replace(/^(eyJ[^.]*)\.[^.]*\.[^.]*$/, '$1.….…'),
  })

  /** The same request on both ways: a media type with a parameter is no plain request any more. */
  const onBothWays = async (...[endpoint, body, headers]: Parameters<typeof request>) => {
    const short = withoutChance(await request(endpoint, body, headers))
    const long = withoutChance(await request(endpoint, body, headers, `${form}; charset=utf-8`))
    expect(short).toEqual(long)
    return short
  }

  const routes = async () => {
    const metrics = await (await fetch(`${server.operations}/metrics`)).text()
    const [, count = '0'] =
      /postern_http_requests_total\{route="\/:auth_server\/token",status="200"\} (\d+)/.exec(metrics) ?? []
    return Number(count)
  }

  test('grants, and is counted as the same route', async () => {
    const before = await routes()
    const { status, text } = await onBothWays('token', 'grant_type=client_credentials')
    expect(status).toBe(200)
    expect(JSON.parse(text.replaceAll('…', '0'))).toMatchObject({ token_type: 'Bearer' })
    expect(await routes()).toBe(before + 2)
  })

  test.each([
    ['an unknown grant', 'token', 'grant_type=none', {}, 400],
    ['a repeated parameter', 'token', 'grant_type=a&grant_type=a', {}, 400],
    ['broken percent-encoding', 'token', 'grant_type=%', {}, 400],
    ['a wrong secret', 'token', 'grant_type=client_credentials', basic({ id: 'nobody', secret: 'x' }), 401],
    ['introspection without a token', 'introspect', 'x=y', {}, 400],
    ['introspection of no token', 'introspect', 'token=x', {}, 200],
    ['a signed introspection', 'introspect', 'token=x', { accept: 'application/token-introspection+jwt' }, 200],
    ['revocation', 'revoke', 'token=x', {}, 200],
  ])('%s: the same status, headers and body', async (_what, endpoint, body, headers, status) => {
    expect((await onBothWays(endpoint, body, headers)).status).toBe(status)
  })

  test('an auth server that there is not is not found', async () => {
    const answers = [form, `${form}; charset=utf-8`].map((type) =>
      send(`${server.origin}/nowhere/token`, { method: 'POST', headers: { 'content-type': type }, body: 'a=b' }),
    )
    const [short, long] = (await Promise.all(answers)).map(withoutChance)
    expect(short).toEqual(long)
    expect(short?.status).toBe(404)
  })

  test('what is no plain request goes the other way, and is answered there', async () => {
    const body = 'grant_type=client_credentials'
    expect((await request('token', body, { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })).status).toBe(
      200,
    )
    expect((await request('token', '')).status).toBe(400)
    expect((await request('token', body, {}, 'text/plain')).status).toBe(400)
    expect((await request('token', `x=${'y'.repeat(64 * 1024)}`)).status).toBe(413)
    expect((await request('token?a=b', body)).status).toBe(400)
    expect((await request('token/', body)).status).toBe(404)
    const chunked = await fetch(`${tenant.issuer}/token`, {
      method: 'POST',
      headers: { 'content-type': form, ...basic(client) },
      body: new Blob([body]).stream(),
      duplex: 'half',
    })
    expect(chunked.status).toBe(200)
  })

  test('takes a body in as many pieces as it comes in, and forgets one that does not come', async () => {
    const { hostname, port } = new URL(server.address)
    const body = 'grant_type=client_credentials'
    const head = [
      `POST /${tenant.id}/token HTTP/1.1`,
      'host: x',
      `content-type: ${form}`,
      `authorization: ${basic(client).authorization}`,
      `content-length: ${body.length}`,
    ].join('\r\n')

    const broken = connect(Number(port), hostname)
    broken.write(`${head}\r\n\r\n${body.slice(0, 5)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    broken.destroy()

    const socket = connect(Number(port), hostname).setEncoding('utf8')
    socket.write(`${head}\r\nconnection: close\r\n\r\n`)
    for (const character of body) {
      socket.write(character)
      await new Promise((resolve) => setImmediate(resolve))
    }
    let answer = ''
    for await (const part of socket) answer += part
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(server.logs()).not.toContain('"level":50')
  })
})

test.each(['plain', 'Jérôme', 'ﬁ☃ 🦉'])('an answer with %s arrives as it was sent', async (name) => {
  const app = fastify()
  const metrics = { observeRequest: () => undefined }
  const options = { logger: app.log, metrics, maxBodyBytes: 1_000, closing: new AbortController().signal }
  openExpressLane(app, options).post('/:auth_server/echo', async (_request, reply) => reply.send({ name }))
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  try {
    const answer = await send(`${origin}/a/echo`, { method: 'POST', headers: { 'content-type': form }, body: 'a=b' })
    expect(answer.text).toBe(JSON.stringify({ name }))
  } finally {
    await app.close()
  }
})
