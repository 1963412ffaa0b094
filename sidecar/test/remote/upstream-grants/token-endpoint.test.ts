import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { readDpopProof } from '@postern/protocol/dpop'
import { calculateJwkThumbprint, importJWK, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createDependency } from '../../../src/remote/calls/dependency.ts'
import { createHttpClient, type HttpClient } from '../../../src/remote/calls/http-client.ts'
import { createOAuthClient } from '../../../src/remote/client-auth/client.ts'
import { clientIdAlone } from '../../../src/remote/client-auth/client-id.ts'
import { createDpopKey } from '../../../src/remote/signing/dpop-key.ts'
import { generateSigningKey } from '../../../src/remote/signing/signing-key.ts'
import { createRequestToken, TokenRefused } from '../../../src/remote/upstream-grants/token-endpoint.ts'

const now = () => 1_700_000_000_000
const http = createHttpClient()
let server: Server
let url = ''
/** What the endpoint does with the next requests, and what it was asked. */
let answers: { status: number; json: object; headers?: Record<string, string>; before?: () => void }[] = []
let received: { headers: IncomingMessage['headers']; form: URLSearchParams }[] = []

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ headers: request.headers, form: new URLSearchParams(body) })
    const { status, json, headers, before } = answers.shift() ?? { status: 200, json: token('usual') }
    before?.()
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/token?tenant=1`
})

afterEach(() => {
  answers = []
  received = []
})

afterAll(async () => {
  await http.close()
  server.close()
})

const token = (access_token: string, token_type = 'Bearer') => ({ access_token, token_type, expires_in: 60 })

function setUp(dpop = false, over: HttpClient = http) {
  const dependency = createDependency('orders token endpoint')
  let key = createDpopKey(generateSigningKey(), now)
  const requestToken = createRequestToken({
    endpoint: async () => url,
    headers: { 'x-tenant': 'one' },
    timeoutMs: 1_000,
    client: createOAuthClient({ method: clientIdAlone('orders'), http: over }),
    dpop: dpop ? { current: () => key } : undefined,
    dependency,
  })
  return {
    requestToken,
    dependency,
    key,
    changeKey: () => {
      key = createDpopKey(generateSigningKey(), now)
    },
  }
}

test('a token is asked for with all parameters, repeated ones too, and the configured headers', async () => {
  const { requestToken } = setUp()
  const parameters = [
    ['grant_type', 'client_credentials'],
    ['resource', 'https://a'],
    ['resource', 'https://b'],
  ] as const
  expect(await requestToken(parameters)).toMatchObject({ accessToken: 'usual', expiresIn: 60 })
  expect([...(received[0]?.form ?? [])]).toEqual([...parameters, ['client_id', 'orders']])
  expect(received[0]?.headers).toMatchObject({ 'x-tenant': 'one', accept: 'application/json' })
  expect(received[0]?.headers).not.toHaveProperty('dpop')
})

test('who is refused again and again does not open the breaker for the others', async () => {
  const { requestToken, dependency } = setUp()
  for (let times = 0; times < 20; times++) {
    answers = [{ status: 400, json: { error: 'invalid_grant', error_description: 'hunter2' } }]
    const refused = await requestToken([]).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(TokenRefused)
    expect(refused).toMatchObject({
      code: 'invalid_grant',
      message: 'orders token endpoint: refused with invalid_grant (400)',
    })
  }
  expect(dependency.state()).toBe('closed')
  expect(await requestToken([])).toMatchObject({ accessToken: 'usual' })
})

test('an endpoint that is out of order opens it', async () => {
  const { requestToken, dependency } = setUp()
  for (let times = 0; times < 6; times++) {
    answers = [{ status: 500, json: { error: 'server_error' } }]
    await expect(requestToken([])).rejects.toThrow(/status 500|breaker/i)
  }
  expect(dependency.state()).toBe('open')
  dependency.close()
})

test('a proof shows the key that the token is bound to', async () => {
  const { requestToken } = setUp(true)
  answers = [{ status: 200, json: token('bound', 'DPoP') }]
  expect(await requestToken([])).toMatchObject({ accessToken: 'bound', scheme: 'DPoP' })
  const header = String(received[0]?.headers.dpop)
  const proof = readDpopProof(header)
  if (!proof) throw new Error('no proof')
  await jwtVerify(header, await importJWK({ ...proof.jwk }, 'ES256'))
  expect(proof.claims).toEqual({
    jti: expect.any(String),
    htm: 'POST',
    htu: url.replace('?tenant=1', ''),
    iat: 1_700_000_000,
  })
})

test('a token is bound to the key of its request, whatever the key is by then', async () => {
  const { requestToken, changeKey } = setUp(true)
  const thumbprintIn = async (proof: unknown) => {
    const read = readDpopProof(String(proof))
    return read && calculateJwkThumbprint({ ...read.jwk })
  }
  answers = [
    { status: 400, json: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'n1' }, before: changeKey },
    { status: 200, json: token('bound', 'DPoP') },
    { status: 200, json: token('next', 'DPoP') },
    { status: 200, json: token('free') },
  ]
  const { boundTo } = await requestToken([])
  const next = await requestToken([])
  const request = { method: 'GET', uri: 'https://stock.example/items', accessToken: 'bound' }
  const [first, again, second] = await Promise.all(received.map(({ headers }) => thumbprintIn(headers.dpop)))
  expect(await thumbprintIn(await boundTo?.prove(request))).toBe(first)
  expect(again).toBe(first)
  expect(await thumbprintIn(await next.boundTo?.prove(request))).toBe(second)
  expect(second).not.toBe(first)
  expect((await requestToken([])).boundTo).toBeUndefined()
})

test('a nonce that the endpoint asks for is used at once, and the newest from then on', async () => {
  const { requestToken } = setUp(true)
  answers = [
    { status: 400, json: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'n1' } },
    { status: 200, json: token('first', 'DPoP'), headers: { 'dpop-nonce': 'n2' } },
    { status: 200, json: token('second', 'DPoP') },
    { status: 200, json: token('third', 'DPoP') },
  ]
  await requestToken([])
  await requestToken([])
  await requestToken([])
  const proofs = received.map(({ headers }) => readDpopProof(String(headers.dpop)))
  expect(proofs.map((proof) => proof?.claims.nonce)).toEqual([undefined, 'n1', 'n2', 'n2'])
  expect(new Set(proofs.map((proof) => proof?.claims.jti)).size).toBe(4)
})

test('a nonce comes with 401 as well, and is of no use to who sends no proofs', async () => {
  const asking = { status: 401, json: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'n1' } }
  answers = [asking, { status: 200, json: token('bound', 'DPoP') }]
  expect(await setUp(true).requestToken([])).toMatchObject({ accessToken: 'bound' })
  expect(received).toHaveLength(2)
  answers = [asking]
  await expect(setUp().requestToken([])).rejects.toThrow('use_dpop_nonce')
  expect(received).toHaveLength(3)
})

test('an endpoint that wants a nonce and gives none, or is never content, is not asked for ever', async () => {
  const { requestToken } = setUp(true)
  answers = [{ status: 400, json: { error: 'use_dpop_nonce' } }]
  await expect(requestToken([])).rejects.toThrow('use_dpop_nonce')
  expect(received).toHaveLength(1)
  answers = ['n1', 'n2', 'n3'].map((nonce) => ({
    status: 400,
    json: { error: 'use_dpop_nonce' },
    headers: { 'dpop-nonce': nonce },
  }))
  await expect(requestToken([])).rejects.toThrow('use_dpop_nonce')
  expect(received).toHaveLength(3)
})

test('what is left of the deadline is that of the second request', async () => {
  const asking = { status: 400, json: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'n1' } }
  answers = [asking, { status: 200, json: token('bound', 'DPoP') }]
  const deadlines: number[] = []
  const watched: HttpClient = {
    ...http,
    send(request) {
      deadlines.push(request.timeoutMs)
      return http.send(request)
    },
  }
  expect(await setUp(true, watched).requestToken([])).toMatchObject({ accessToken: 'bound' })
  expect(deadlines).toEqual([1_000, expect.any(Number)])
  expect(deadlines[1]).toBeLessThan(1_000)
})

test('a proof for the upstream names the request and the token', async () => {
  const { key } = setUp(true)
  const [first, second] = [
    await key.prove({ method: 'GET', uri: 'https://stock.example/items?id=1#top', accessToken: 'bound' }),
    await key.prove({ method: 'GET', uri: 'https://stock.example/items', accessToken: 'bound' }),
  ].map((proof) => readDpopProof(proof))
  const ath = createHash('sha256').update('bound').digest('base64url')
  expect(first?.claims).toMatchObject({ htm: 'GET', htu: 'https://stock.example/items', ath })
  expect(first?.claims.jti).not.toBe(second?.claims.jti)
  if (!first || !second) throw new Error('no proof')
  expect(await calculateJwkThumbprint({ ...first.jwk })).toBe(await calculateJwkThumbprint({ ...second.jwk }))
  await expect(key.prove({ method: 'GET', uri: '/items' })).rejects.toThrow('http URI')
})
