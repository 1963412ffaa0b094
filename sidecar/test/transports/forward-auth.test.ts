import { type RequestOptions, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDpopKey } from '../support/dpop.ts'
import { startBench, type TestBench } from '../support/sidecar.ts'

let bench: TestBench
let token = ''

beforeAll(async () => {
  bench = await startBench({
    more: `
  gateway: { issuers: [test], dpop: { origin_from_gateway: true } }
  nonce:
    issuers: [test]
    dpop: { origin_from_gateway: true, nonce: { secret: { value: nonces-of-all-sidecars-0123456789 } } }`,
  })
  token = `Bearer ${await bench.issuer.mint()}`
})

afterAll(() => bench.close())

interface Sent {
  method?: string
  path?: string
  headers?: string[]
  body?: string
}

/** A request with headers as they are given: repeated, and in their spelling. */
function send({ method = 'GET', path = '/v1/forward-auth/main', headers = [], body }: Sent) {
  return new Promise<{ status: number; headers: string[]; body: string }>((resolve, reject) => {
    const { hostname, port } = new URL(bench.sidecar.address ?? '')
    const outgoing = request({ hostname, port, method, path, headers: ['Host', 'sidecar', ...headers] }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.rawHeaders, body: text }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function statusOf(options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => resolve(response.resume().statusCode ?? 0))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('forward-auth', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('decides about %s', async (method) => {
    const length = ['Content-Length', '0']
    expect((await send({ method, headers: ['Authorization', token, ...length] })).status).toBe(200)
    expect((await send({ method, headers: length })).status).toBe(401)
  })

  test('marks what it allows, and nothing else', async () => {
    const allowed = await send({ headers: ['Authorization', token] })
    expect(allowed.headers).toContain('x-postern-decision')
    const refused = await send({ headers: ['Authorization', 'Bearer x'] })
    expect(refused.headers).not.toContain('x-postern-decision')
    expect(refused.headers).not.toContain('x-subject')
  })

  test('refuses two Authorization headers, whichever comes first', async () => {
    const pairs = [
      ['Authorization', token, 'Authorization', 'Bearer other'],
      ['Authorization', 'Bearer other', 'authorization', token],
      ['Authorization', token, 'AUTHORIZATION', token],
    ]
    for (const headers of pairs) {
      const answer = await send({ headers })
      expect(answer.status).toBe(401)
      expect(answer.body).toContain('invalid_request')
    }
  })

  test('takes no token from the query, a cookie or the body', async () => {
    const raw = token.slice('Bearer '.length)
    const form = ['Content-Type', 'application/x-www-form-urlencoded']
    expect((await send({ path: `/v1/forward-auth/main?access_token=${raw}` })).status).toBe(401)
    expect((await send({ headers: ['Cookie', `access_token=${raw}`] })).status).toBe(401)
    expect((await send({ method: 'POST', headers: form, body: `access_token=${raw}` })).status).toBe(401)
  })

  test('does not read bodies, of whatever type and size', async () => {
    for (const type of ['application/json', 'text/plain', 'a/b; c', '']) {
      const headers = ['Authorization', token, 'Content-Type', type, 'Content-Length', '300000']
      expect((await send({ method: 'POST', headers, body: '{'.repeat(300_000) })).status, type).toBe(200)
    }
  })

  test('what the gateway does not tell, or tells more than once, meets no rule', async () => {
    const ruled = await startBench({ policy: 'rules: [{ paths: [/a], methods: [PUT] }]\n    unmatched: nobody' })
    try {
      const authorization = `Bearer ${await ruled.issuer.mint()}`
      const ask = async (...told: string[]) => {
        const { hostname, port } = new URL(ruled.sidecar.address ?? '')
        return statusOf({
          hostname,
          port,
          path: '/v1/forward-auth/main',
          headers: ['Host', 'h', 'Authorization', authorization, ...told],
        })
      }
      const [method, uri] = [
        ['X-Forwarded-Method', 'PUT'],
        ['x-forwarded-uri', '/a'],
      ]
      expect(await ask(...method, ...uri)).toBe(200)
      for (const told of [[], method, uri, [...method, ...uri, ...uri], [...method, ...method, ...method, ...uri]]) {
        expect(await ask(...told), told.join()).toBe(403)
      }
    } finally {
      await ruled.close()
    }
  })

  test('does not echo what the client sends', async () => {
    const headers = ['Authorization', token, 'X-Subject', 'evil', 'X-Postern-Decision', 'allow', 'X-Roles', 'admin']
    const answer = await send({ headers })
    expect(answer.headers).not.toContain('evil')
    expect(answer.headers).not.toContain('x-roles')
  })

  test.each(['/', '/v1/forward-auth', '/v1/forward-auth/', '/v1/forward-auth/main/more', '/v1/other'])(
    'lets nothing pass at %s',
    async (path) => {
      const { status } = await send({ path, headers: ['Authorization', token] })
      expect(status).toBeGreaterThanOrEqual(400)
    },
  )
})

describe('forward-auth of a DPoP token', () => {
  const told = (changes: Record<string, string> = {}) =>
    Object.entries({
      'X-Forwarded-Method': 'POST',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'api.example.com',
      'X-Forwarded-Uri': '/orders?page=1',
      ...changes,
    }).flat()

  test('reads method and URI of the request from what the gateway says', async () => {
    const key = await createDpopKey(bench.clock.now)
    const bound = await bench.issuer.mint({ claims: { cnf: key.cnf } })
    const path = '/v1/forward-auth/gateway'
    const ask = async (headers: string[]) => {
      const proof = await key.prove(bound, { htm: 'POST' })
      return send({ path, headers: ['Authorization', `DPoP ${bound}`, 'DPoP', proof, ...headers] })
    }
    expect((await ask(told())).status).toBe(200)
    for (const changes of [
      { 'X-Forwarded-Method': 'GET' },
      { 'X-Forwarded-Proto': 'http' },
      { 'X-Forwarded-Host': 'api.example.com:8443' },
      { 'X-Forwarded-Host': 'other.example' },
      { 'X-Forwarded-Uri': '/' },
    ]) {
      expect(await ask(told(changes))).toMatchObject({
        status: 401,
        body: expect.stringContaining('invalid_dpop_proof'),
      })
    }
    // A gateway that adds its own to the client's: nobody knows which one is true.
    expect((await ask([...told(), 'X-Forwarded-Host', 'api.example.com'])).status).toBe(401)
    expect((await ask([])).status).toBe(401)
  })

  test('answers with the challenge and the nonce', async () => {
    const key = await createDpopKey(bench.clock.now)
    const bound = await bench.issuer.mint({ claims: { cnf: key.cnf } })
    const headers = ['Authorization', `DPoP ${bound}`, 'DPoP', await key.prove(bound, { htm: 'POST' }), ...told()]
    const answer = await send({ path: '/v1/forward-auth/nonce', headers })
    expect(answer.status).toBe(401)
    expect(answer.headers.join('\n')).toMatch(/www-authenticate\n.*DPoP realm="nonce", error="use_dpop_nonce"/)
    expect(answer.headers.join('\n')).toMatch(/dpop-nonce\n\d+\./)
  })
})

describe('decisions', () => {
  const post = (body: string, type = 'application/json') =>
    send({ method: 'POST', path: '/v1/decisions', headers: ['Content-Type', type], body })
  const query = (changes: object = {}) =>
    JSON.stringify({
      policy: 'main',
      request: { method: 'GET', uri: '/', headers: ['authorization', token] },
      ...changes,
    })

  test('allow and refuse with 200: the answer is the document', async () => {
    expect(JSON.parse((await post(query())).body)).toMatchObject({ decision: 'allow' })
    const refused = await post(query({ request: { method: 'GET', uri: '/', headers: [] } }))
    expect(refused.status).toBe(200)
    expect(JSON.parse(refused.body)).toMatchObject({ decision: 'deny', status: 401 })
  })

  test.each<[what: string, body: string, type?: string]>([
    ['no JSON', '{'],
    ['nothing', ''],
    ['an array', '[]'],
    ['no request', '{"policy":"main"}'],
    ['an unknown member', query({ other: 1 })],
    ['headers as an object', query({ request: { method: 'GET', uri: '/', headers: { authorization: token } } })],
    ['a header that is no text', query({ request: { method: 'GET', uri: '/', headers: ['authorization', 1] } })],
    ['a poisoned prototype', '{"policy":"main","__proto__":{"request":{}}}'],
    ['another type', query(), 'text/plain'],
  ])('refuse %s without a decision', async (_what, body, type) => {
    const answer = await post(body, type)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.body).not.toContain('allow')
  })

  test('refuse a body that is too large', async () => {
    const headers = Array.from({ length: 200 }, () => 'a'.repeat(2_000))
    expect((await post(query({ request: { method: 'GET', uri: '/', headers } }))).status).toBe(413)
  })
})
