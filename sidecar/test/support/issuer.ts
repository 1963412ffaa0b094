/**
 * An issuer that does as a test tells it: each endpoint can be slow, broken or gone. A real issuer cannot be told to
 * answer nonsense; test/system.test.ts has the real one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { securityEventType, tokenRevoked } from '@postern/protocol/security-event'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export type Endpoint = 'metadata' | 'jwks' | 'introspection' | 'token' | 'events'

/** Ways in which an endpoint can fail; `normal` is none. */
export const failures = ['reset', 'hang', 'status500', 'html', 'empty', 'huge', 'redirect', 'wrongJson'] as const
export type Behaviour = 'normal' | (typeof failures)[number]

export interface Mint {
  /** Changes of a valid token's claims; undefined leaves a claim out. */
  claims?: Record<string, unknown>
  /** Changes of its header. */
  header?: Record<string, unknown>
}

export interface TestIssuer {
  readonly url: string
  readonly calls: Record<Endpoint, number>
  /** The forms and JSON bodies that were received, per endpoint. */
  readonly received: Record<Endpoint, string[]>
  behave(endpoint: Endpoint, behaviour: Behaviour): void
  /** What the endpoint answers in place of its own answer. */
  answer(endpoint: Endpoint, json: unknown): void
  /** What introspection says of a token. */
  introspects(token: string, answer: unknown): void
  mint(changes?: Mint): Promise<string>
  /** The claims of a valid token. */
  claims(changes?: Record<string, unknown>): Record<string, unknown>
  /** A new signing key in the place of the old one. @param kid of the new key */
  rotate(kid: string): Promise<void>
  publicJwk(): JWK
  /** Publishes the revocation of a token. @param changes of the event, to make it a wrong one */
  revoke(jti: string, changes?: { claims?: Record<string, unknown>; type?: string; forged?: boolean }): Promise<void>
  goDown(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

export const audience = 'test-api'
export const clientId = 'test-sidecar'

/** @param now ms since the epoch, as the sidecar under test has it */
export async function startTestIssuer(now: () => number): Promise<TestIssuer> {
  let key = await generateKeyPair('ES256', { extractable: true })
  const forger = await generateKeyPair('ES256')
  let kid = 'k1'
  let jwk: JWK = { ...(await exportJWK(key.publicKey)), kid, alg: 'ES256', use: 'sig' }
  const calls: Record<Endpoint, number> = { metadata: 0, jwks: 0, introspection: 0, token: 0, events: 0 }
  const received: Record<Endpoint, string[]> = { metadata: [], jwks: [], introspection: [], token: [], events: [] }
  const behaviours = new Map<Endpoint, Behaviour>()
  const answers = new Map<Endpoint, unknown>()
  const introspections = new Map<string, unknown>()
  const sets: { jti: string; set: string }[] = []
  const polls = new Set<() => void>()
  let issued = 0
  let url = ''
  let server: Server

  const metadata = () => ({
    issuer: url,
    jwks_uri: `${url}/jwks`,
    introspection_endpoint: `${url}/introspect`,
    postern_revocation_feed_endpoint: `${url}/events`,
  })

  const poll = async (body: string, response: ServerResponse) => {
    const { after = '0', returnImmediately, maxEvents = 100 } = JSON.parse(body)
    const news = () => sets.slice(Number(after))
    if (news().length === 0 && !returnImmediately) {
      await new Promise<void>((resolve) => {
        polls.add(resolve)
        response.once('close', resolve)
      })
    }
    const sent = news().slice(0, maxEvents)
    return {
      sets: Object.fromEntries(sent.map(({ jti, set }) => [jti, set])),
      moreAvailable: news().length > sent.length,
      next: String(Number(after) + sent.length),
    }
  }

  const ownAnswer = (endpoint: Endpoint, body: string, response: ServerResponse): unknown => {
    switch (endpoint) {
      case 'metadata':
        return metadata()
      case 'jwks':
        return { keys: [jwk] }
      case 'introspection':
        return introspections.get(new URLSearchParams(body).get('token') ?? '') ?? { active: false }
      case 'token':
        issued += 1
        return { access_token: `upstream-token-${issued}`, token_type: 'Bearer', expires_in: 100 }
      case 'events':
        return poll(body, response)
    }
  }

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const endpoint = endpoints[request.url ?? '']
    let body = ''
    for await (const chunk of request) body += chunk
    if (!endpoint) return response.writeHead(404).end()
    calls[endpoint] += 1
    received[endpoint].push(body)
    const behaviour = behaviours.get(endpoint) ?? 'normal'
    if (behaviour !== 'normal') return misbehave(behaviour, response, url)
    const json = answers.get(endpoint) ?? (await ownAnswer(endpoint, body, response))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  }

  const listen = async (port: number) => {
    server = createServer((request, response) => {
      handle(request, response).catch(() => response.destroy())
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no TCP address')
    url = `http://127.0.0.1:${address.port}`
  }
  const goDown = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await listen(0)

  const claims = (changes: Record<string, unknown> = {}) => {
    const time = Math.floor(now() / 1_000)
    const usual = {
      iss: url,
      aud: audience,
      sub: 'alice',
      client_id: 'app',
      scope: 'read write',
      iat: time,
      exp: time + 300,
    }
    return { ...usual, jti: crypto.randomUUID(), ...changes }
  }
  return {
    get url() {
      return url
    },
    calls,
    received,
    behave: (endpoint, behaviour) => void behaviours.set(endpoint, behaviour),
    answer: (endpoint, json) => void answers.set(endpoint, json),
    introspects: (token, answer) => void introspections.set(token, answer),
    claims,
    mint: ({ claims: changes = {}, header = {} } = {}) =>
      new SignJWT(claims(changes))
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt', ...header })
        .sign(key.privateKey),
    async rotate(newKid) {
      key = await generateKeyPair('ES256', { extractable: true })
      kid = newKid
      jwk = { ...(await exportJWK(key.publicKey)), kid, alg: 'ES256', use: 'sig' }
    },
    publicJwk: () => jwk,
    async revoke(jti, { claims: changes = {}, type = securityEventType, forged = false } = {}) {
      const event = {
        iss: url,
        aud: clientId,
        iat: Math.floor(now() / 1_000),
        jti: `event-${sets.length + 1}`,
        sub_id: { format: 'jwt_id', iss: url, jti },
        events: { [tokenRevoked]: { token_expires_at: Math.floor(now() / 1_000) + 300 } },
        ...changes,
      }
      const set = await new SignJWT(event)
        .setProtectedHeader({ alg: 'ES256', kid, typ: type })
        .sign(forged ? forger.privateKey : key.privateKey)
      sets.push({ jti: event.jti, set })
      for (const wake of polls) wake()
      polls.clear()
    },
    goDown,
    comeBack: () => listen(Number(new URL(url).port)),
    close: goDown,
  }
}

const endpoints: Record<string, Endpoint> = {
  '/.well-known/openid-configuration': 'metadata',
  '/jwks': 'jwks',
  '/introspect': 'introspection',
  '/token': 'token',
  '/events': 'events',
}

function misbehave(behaviour: Exclude<Behaviour, 'normal'>, response: ServerResponse, url: string): void {
  switch (behaviour) {
    case 'reset':
      response.destroy()
      return
    case 'hang':
      return
    case 'status500':
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"server_error"}')
      return
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>It works!</html>')
      return
    case 'empty':
      response.writeHead(200).end()
      return
    case 'huge':
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a":"${'a'.repeat(1024 * 1024)}"}`)
      return
    case 'redirect':
      response.writeHead(302, { location: `${url}/elsewhere` }).end()
      return
    case 'wrongJson':
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"active":"true","keys":"none","sets":1}')
      return
  }
}
