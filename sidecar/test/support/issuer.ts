/**
 * An issuer that does as a test tells it: each endpoint can be slow, broken or gone. A real issuer cannot be told to
 * answer nonsense; test/system.test.ts has the real one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Revocation } from '@postern/protocol/revocation'
import { formatRevocation } from '@postern/protocol/revocation-event'
import { feedAudience, securityEventType } from '@postern/protocol/security-event'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export type Endpoint = 'metadata' | 'jwks' | 'introspection' | 'token' | 'events'

/** Ways in which an endpoint can fail; `normal` is none. */
export const failures = [
  'reset',
  'hang',
  'status500',
  'refused',
  'html',
  'empty',
  'huge',
  'redirect',
  'wrongJson',
] as const
export type Behaviour = 'normal' | (typeof failures)[number]

export interface Mint {
  /** Changes of a valid token's claims; undefined leaves a claim out. */
  claims?: Record<string, unknown>
  /** Changes of its header. */
  header?: Record<string, unknown>
  /** Signed by somebody else. */
  forged?: boolean
}

/** Of an event, to make it a wrong one. */
export interface EventChanges {
  claims?: Record<string, unknown>
  type?: string
  forged?: boolean
}

export interface TestIssuer {
  readonly url: string
  readonly calls: Record<Endpoint, number>
  /** The forms and JSON bodies that were received, per endpoint. */
  readonly received: Record<Endpoint, string[]>
  behave(endpoint: Endpoint, behaviour: Behaviour): void
  /** What the endpoint answers in place of its own answer; a promise: later. */
  answer(endpoint: Endpoint, json: unknown): void
  /** Headers of the endpoint's answers, beside its content type. */
  sendHeaders(endpoint: Endpoint, headers: Record<string, string>): void
  /** What introspection says of a token. */
  introspects(token: string, answer: unknown): void
  /** Introspection answers as a signed JWT (RFC 9701) from now on, which may be a wrong one. */
  signsIntrospection(changes?: EventChanges): void
  mint(changes?: Mint): Promise<string>
  /** The claims of a valid token. */
  claims(changes?: Record<string, unknown>): Record<string, unknown>
  /** A new signing key in the place of the old one. @param kid of the new key */
  rotate(kid: string): Promise<void>
  publicJwk(): JWK
  /** Publishes a revocation: of a token by its `jti`, or of another kind. */
  revoke(revoked: string | Omit<Revocation, 'expiresAt'>, changes?: EventChanges): Promise<void>
  /** Its database is made anew: the feed has nothing, and positions in it mean nothing any more. */
  wipe(): void
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
  const headersOf = new Map<Endpoint, Record<string, string>>()
  const introspections = new Map<string, unknown>()
  let signing: EventChanges | undefined
  let sets: { jti: string; set: string }[] = []
  let stream = 'stream-1'
  const polls = new Set<() => void>()
  let issued = 0
  let url = ''
  let server: Server

  const metadata = () => ({
    issuer: url,
    jwks_uri: `${url}/jwks`,
    token_endpoint: `${url}/token`,
    introspection_endpoint: `${url}/introspect`,
    postern_revocation_feed_endpoint: `${url}/events`,
  })

  const poll = async (body: string, response: ServerResponse) => {
    const { after = '', returnImmediately, maxEvents = 100 } = JSON.parse(body)
    const start = () => (after.startsWith(`${stream}.`) ? Number(after.slice(stream.length + 1)) : 0)
    const news = () => sets.slice(start())
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
      next: `${stream}.${start() + sent.length}`,
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

  const signIntrospection = (json: unknown, { claims: changes = {}, type, forged = false }: EventChanges) =>
    new SignJWT({
      iss: url,
      aud: clientId,
      iat: Math.floor(now() / 1_000),
      token_introspection: json,
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256', kid, typ: type ?? 'token-introspection+jwt' })
      .sign(forged ? forger.privateKey : key.privateKey)

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const endpoint = endpoints[request.url?.split('?')[0] ?? '']
    let body = ''
    for await (const chunk of request) body += chunk
    if (!endpoint) return response.writeHead(404).end()
    calls[endpoint] += 1
    received[endpoint].push(body)
    const behaviour = behaviours.get(endpoint) ?? 'normal'
    if (behaviour !== 'normal') return misbehave(behaviour, response, url)
    const json = await (answers.get(endpoint) ?? ownAnswer(endpoint, body, response))
    if (endpoint === 'introspection' && signing) {
      const asked = request.headers.accept === 'application/token-introspection+jwt'
      if (!asked) return response.writeHead(406).end()
      const jwt = await signIntrospection(json, signing)
      return response.writeHead(200, { 'content-type': 'application/token-introspection+jwt' }).end(jwt)
    }
    response
      .writeHead(200, { 'content-type': 'application/json', ...headersOf.get(endpoint) })
      .end(JSON.stringify(json))
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
    sendHeaders: (endpoint, headers) => void headersOf.set(endpoint, headers),
    introspects: (token, answer) => void introspections.set(token, answer),
    signsIntrospection(changes = {}) {
      signing = changes
    },
    claims,
    mint: ({ claims: changes = {}, header = {}, forged = false } = {}) =>
      new SignJWT(claims(changes))
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt', ...header })
        .sign(forged ? forger.privateKey : key.privateKey),
    async rotate(newKid) {
      key = await generateKeyPair('ES256', { extractable: true })
      kid = newKid
      jwk = { ...(await exportJWK(key.publicKey)), kid, alg: 'ES256', use: 'sig' }
    },
    publicJwk: () => jwk,
    async revoke(revoked, { claims: changes = {}, type = securityEventType, forged = false } = {}) {
      const time = Math.floor(now() / 1_000)
      const revocation: Omit<Revocation, 'expiresAt'> =
        typeof revoked === 'string' ? { kind: 'token', value: revoked } : revoked
      const event = {
        iss: url,
        aud: feedAudience(url),
        iat: time,
        jti: `${stream}.${sets.length + 1}`,
        ...formatRevocation(url, { ...revocation, expiresAt: time + 300 }),
        ...changes,
      }
      const set = await new SignJWT(event)
        .setProtectedHeader({ alg: 'ES256', kid, typ: type })
        .sign(forged ? forger.privateKey : key.privateKey)
      sets.push({ jti: event.jti, set })
      for (const wake of polls) wake()
      polls.clear()
    },
    wipe() {
      sets = []
      stream = `${stream}+`
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
    case 'refused':
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
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
