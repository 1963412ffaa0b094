import { connect as connectHttp2 } from 'node:http2'
import { createCertificateAuthority, selfSign } from '@postern/tools/certificates'
import fastify from 'fastify'
import { Agent, request as sendOverTls } from 'undici'
import { describe, expect, test } from 'vitest'
import postern from '../src/index.ts'
import { allow, closers, deny, parsed, send, startGateway, startSidecar } from './support.ts'

describe('an allowed request', () => {
  test('is described to the sidecar as it was received', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = await startGateway(sidecar.url)
    const sent = [
      'Host',
      'gateway',
      'X-One',
      '1',
      'x-ONE',
      '2',
      'Authorization',
      'Bearer a',
      'authorization',
      'Bearer b',
    ]
    await send(app, { path: '/echo?x=1&x=%2F', fields: sent })
    expect(sidecar.queries[0]).toMatchObject({ policy: 'demo', request: { method: 'GET', uri: '/echo?x=1&x=%2F' } })
    expect(sidecar.queries[0]?.request.headers.slice(0, sent.length)).toEqual(sent)
  })

  test('is asked about under the policy of its route', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = await startGateway(sidecar.url)
    await send(app, { path: '/other' })
    expect(sidecar.queries.map(({ policy }) => policy)).toEqual(['other'])
  })

  test('over HTTP/2 is described without pseudo-headers', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = fastify({ http2: true })
    closers.push(() => app.close())
    await app.register(postern, { sidecar: { url: sidecar.url }, policy: 'demo' })
    app.get('/echo', async (request) => request.headers)
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    const session = connectHttp2(address)
    closers.push(async () => session.close())
    const stream = session.request({ ':path': '/echo?y=1', x_postern_subject: 'root', 'x-one': '1' })
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    expect(sidecar.queries[0]?.request).toEqual({
      method: 'GET',
      uri: '/echo?y=1',
      headers: ['x_postern_subject', 'root', 'x-one', '1'],
      scheme: 'http',
      authority: new URL(address).host,
    })
    expect(JSON.parse(text)).toMatchObject({ 'x-one': '1', 'x-postern-subject': 'alice' })
    expect(JSON.parse(text)).not.toHaveProperty('x_postern_subject')
  })
})

describe('over TLS that ends here', () => {
  test('the certificate is told that the client has shown on this connection, and nobody else’s', async () => {
    const sidecar = await startSidecar(() => allow)
    const ca = await createCertificateAuthority()
    closers.push(ca.remove)
    const server = await ca.issue({ subject: '/CN=gateway', subjectAltName: 'IP:127.0.0.1' })
    const [first, second] = [await selfSign({ subject: '/CN=first' }), await selfSign({ subject: '/CN=second' })]
    const app = fastify({ https: { ...server, requestCert: true, rejectUnauthorized: false } })
    closers.push(() => app.close())
    await app.register(postern, { sidecar: { url: sidecar.url }, policy: 'demo' })
    app.get('/echo', async () => 'echo')
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    for (const shown of [first, second, undefined]) {
      const dispatcher = new Agent({ connect: { ca: ca.cert, ...shown } })
      closers.push(() => dispatcher.close())
      // The second one on the same connection.
      for (const _round of [1, 2]) await (await sendOverTls(`${address}/echo`, { dispatcher })).body.text()
    }
    expect(sidecar.queries.map(({ request }) => request.client_certificate)).toEqual([
      ...[first.cert, first.cert, second.cert, second.cert],
      ...[undefined, undefined],
    ])
    expect(sidecar.queries.every(({ request }) => request.scheme === 'https')).toBe(true)
    expect(sidecar.queries.every(({ request }) => request.authority === new URL(address).host)).toBe(true)
  })
})

describe('a refused request', () => {
  test('is answered as the sidecar says, and no handler runs', async () => {
    const sidecar = await startSidecar(() => deny)
    const app = await startGateway(sidecar.url)
    const answer = await send(app, { path: '/echo' })
    expect(answer.status).toBe(403)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="postern", error="insufficient_scope"')
    expect(JSON.parse(answer.text)).toEqual(deny.decision === 'deny' && deny.body)
  })

  test.each([
    ['GET', '/no-such-route'],
    ['HEAD', '/echo'],
    ['OPTIONS', '/echo'],
    ['POST', '/echo'],
  ])('%s %s is refused like any other', async (method, path) => {
    const sidecar = await startSidecar(() => deny)
    const app = await startGateway(sidecar.url)
    expect((await send(app, { method, path })).status).toBe(403)
  })

  test.each(['upgrade of a route', 'upgrade of no route'])('%s is refused', async (name) => {
    const sidecar = await startSidecar(() => deny)
    const app = await startGateway(sidecar.url)
    const path = name === 'upgrade of a route' ? '/echo' : '/nowhere'
    const fields = ['Host', 'g', 'Connection', 'Upgrade', 'Upgrade', 'websocket']
    expect((await send(app, { path, fields })).status).toBe(403)
  })

  test('routes of the scope that were declared before the plugin are protected as well', async () => {
    const sidecar = await startSidecar(() => deny)
    const app = await startGateway(sidecar.url, (early) => void early.get('/early', async () => 'open'))
    expect((await send(app, { path: '/early' })).status).toBe(403)
  })
})

describe('without a decision', () => {
  test('of a sidecar that has none: 503 with Retry-After', async () => {
    const sidecar = await startSidecar(() => 500)
    const app = await startGateway(sidecar.url)
    const answer = await send(app, { path: '/echo' })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
    expect(JSON.parse(answer.text).error).toBe('temporarily_unavailable')
  })

  test('because the request breaks the limits of the contract: 431', async () => {
    const sidecar = await startSidecar(() => 413)
    const app = await startGateway(sidecar.url)
    expect((await send(app, { path: '/echo' })).status).toBe(431)
  })

  test('because applying it failed: 503', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = await startGateway(sidecar.url, (early) => {
      early.addHook('onRequest', async (request) => void Object.freeze(request.raw.rawHeaders))
    })
    expect((await send(app, { path: '/echo' })).status).toBe(503)
  })

  test('a malformed route option that slipped past the start: 503', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = await startGateway(sidecar.url, (early) => {
      early.get('/early', { config: Object.fromEntries([['postern', 'demo']]) }, async () => 'open')
    })
    expect((await send(app, { path: '/early' })).status).toBe(503)
  })
})

describe('a route that opted out', () => {
  test('is not asked about, but no Postern header of the client reaches it', async () => {
    const sidecar = await startSidecar(() => deny)
    const app = await startGateway(sidecar.url)
    const fields = ['Host', 'g', 'X_Postern.Subject', 'root', 'X-Other', '1']
    const { headers, decision } = await send(app, { path: '/open', fields }).then(parsed)
    expect(headers).toEqual({ host: 'g', 'x-other': '1', connection: 'close' })
    expect(decision).toBeNull()
    expect(sidecar.queries).toEqual([])
  })
})

describe('at start', () => {
  test.each([true, 'demo', {}, { policy: '' }, null])('config.postern %j of a route is refused', async (option) => {
    const app = fastify()
    closers.push(() => app.close())
    await app.register(postern, { sidecar: { url: 'http://127.0.0.1:1' }, policy: 'demo' })
    const config = Object.fromEntries([['postern', option]])
    expect(() => app.get('/', { config }, async () => 'open')).toThrow(/config\.postern/)
  })

  test('a second registration within the scope of the first is refused: each request is decided about once', async () => {
    const app = fastify()
    closers.push(() => app.close())
    const options = { sidecar: { url: 'http://127.0.0.1:1' }, policy: 'demo' }
    await app.register(postern, options)
    await expect(app.register(postern, options)).rejects.toMatchObject({ code: 'FST_ERR_DEC_ALREADY_PRESENT' })
  })

  test('scopes beside each other have policies of their own, and nothing outside is asked about', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = fastify()
    closers.push(() => app.close())
    for (const policy of ['one', 'two']) {
      await app.register(
        async (scope) => {
          await scope.register(postern, { sidecar: { url: sidecar.url }, policy })
          scope.get('/', async () => policy)
        },
        { prefix: `/${policy}` },
      )
    }
    app.get('/', async () => 'outside')
    await app.listen({ port: 0, host: '127.0.0.1' })
    for (const path of ['/one', '/two', '/']) expect((await send(app, { path })).status).toBe(200)
    expect(sidecar.queries.map(({ policy }) => policy)).toEqual(['one', 'two'])
  })

  test('a registration without policy is refused', async () => {
    const app = fastify()
    closers.push(() => app.close())
    await expect(app.register(postern, { sidecar: { url: 'http://127.0.0.1:1' }, policy: '' })).rejects.toThrow(
      /policy/,
    )
  })
})
