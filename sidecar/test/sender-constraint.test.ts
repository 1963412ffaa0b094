/**
 * Bound tokens from end to end: issued by the real identity server, presented by clients that others wrote, at a small
 * gateway that asks the real sidecar.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { demoSettings, freePorts } from '@postern/demo/settings'
import { type RunningSystem, startSystem } from '@postern/demo/system'
import { type Certificate, type CertificateAuthority, createCertificateAuthority } from '@postern/tools/certificates'
import { temporaryFolder } from '@postern/tools/servers/process'
import * as oauth from 'oauth4webapi'
import { pino } from 'pino'
import { Agent, request as send } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sidecar, startSidecar } from '../src/compose.ts'
import { parseConfig } from '../src/config/load.ts'
import { createReadSecret } from '../src/config/secret.ts'

const proxies = 'POSTERN_TRUSTED_PROXIES'
const insecure = { [oauth.allowInsecureRequests]: true }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let system: RunningSystem | undefined
let sidecar: Sidecar
let ca: CertificateAuthority
let holder: Certificate
let thief: Certificate
const gateways: { close(): void }[] = []
let plainUrl = ''
let tlsUrl = ''

const v = (name: string) => system?.variables[name] ?? ''

beforeAll(async () => {
  folder = await temporaryFolder('sender-constraint')
  ca = await createCertificateAuthority()
  holder = await ca.issue({ subject: '/CN=holder' })
  thief = await ca.issue({ subject: '/CN=thief' })
  // The identity server takes the certificate from a proxy on this machine: from these tests.
  process.env[proxies] = '127.0.0.1'
  system = await startSystem(await demoSettings({ ...freePorts, POSTERN_DATA_DIR: folder.path }), {
    report: () => undefined,
    starting: () => undefined,
    ended: () => undefined,
  })
  delete process.env[proxies]
  plainUrl = await listen(createServer(serve('plain')), 'http')
  const server = await ca.issue({ subject: '/CN=localhost', subjectAltName: 'DNS:localhost,IP:127.0.0.1' })
  tlsUrl = await listen(
    createTlsServer({ ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: false }, serve('tls')),
    'https',
  )
  sidecar = await startSidecar(parseConfig(config(), 'test.yaml'), {
    logger: pino({ level: 'silent' }),
    readSecret: createReadSecret({}),
  })
}, 90_000)

afterAll(async () => {
  for (const gateway of gateways) gateway.close()
  await sidecar?.close()
  await system?.stop()
  await ca.remove()
  await folder.remove()
})

const config = () => `
listen: { tcp: 127.0.0.1:0 }
admin: { tcp: 127.0.0.1:0 }
issuers:
  demo: { issuer: ${v('POSTERN_ISSUER')}, audience: [demo-api] }
policies:
  plain:
    issuers: [demo]
    headers: { x-client: client_id }
    sender_constraint: dpop
    dpop: { origin_from_gateway: true, nonce: { secret: { value: nonces-of-all-sidecars-0123456789 } } }
  fixed:
    issuers: [demo]
    dpop: { origins: ['${plainUrl}'] }
  tls:
    issuers: [demo]
    headers: { x-client: client_id }
    sender_constraint: mtls
    client_certificate: { from: rfc9440 }
`

function listen(server: ReturnType<typeof createServer>, scheme: string): Promise<string> {
  gateways.push({
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

/** The gateway: overwrites what tells of the request, asks, and answers in the place of an upstream. */
function serve(policy: string) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const { 'client-cert': _forged, ...headers } = request.headers
    const { connection: _hop, ...kept } = headers
    const certificate = policy === 'tls' ? (request.socket as TLSSocket).getPeerCertificate().raw : undefined
    const asked = {
      ...kept,
      'x-forwarded-method': request.method,
      'x-forwarded-uri': request.url,
      'x-forwarded-proto': policy === 'tls' ? 'https' : 'http',
      'x-forwarded-host': new URL(policy === 'tls' ? tlsUrl : plainUrl).host,
      ...(certificate && { 'client-cert': `:${certificate.toString('base64')}:` }),
    }
    const name = request.url?.startsWith('/fixed') ? 'fixed' : policy
    send(`${sidecar.address}/v1/forward-auth/${name}`, { headers: asked }).then(
      async (decision) => {
        const passed = decision.headers['x-postern-decision'] === 'allow'
        const shown = ['www-authenticate', 'dpop-nonce'].flatMap((header) => {
          const value = decision.headers[header]
          return value === undefined ? [] : [[header, String(value)]]
        })
        response.writeHead(passed ? 200 : decision.statusCode, Object.fromEntries(shown))
        response.end(passed ? JSON.stringify({ client: decision.headers['x-client'] }) : await decision.body.text())
      },
      () => response.destroy(),
    )
  }
}

const discover = async () => {
  const issuer = new URL(v('POSTERN_ISSUER'))
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
}

async function dpopToken() {
  const as = await discover()
  const client: oauth.Client = { client_id: v('DEMO_CLIENT_ID') }
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const authentication = oauth.ClientSecretBasic(v('DEMO_CLIENT_SECRET'))
  const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, { DPoP, ...insecure })
  const { access_token: token, token_type: type } = await oauth.processClientCredentialsResponse(as, client, response)
  expect(type).toBe('dpop')
  return { token, DPoP }
}

describe('oauth4webapi with a DPoP token', () => {
  const ask = (token: string, DPoP: oauth.DPoPHandle, url: string, method = 'GET', headers = {}) =>
    oauth.protectedResourceRequest(token, method, new URL(url), new Headers(headers), undefined, { DPoP, ...insecure })

  test('reads the challenge, tries again with the nonce, and goes on without another refusal', async () => {
    const { token, DPoP } = await dpopToken()
    const refused = await ask(token, DPoP, `${plainUrl}/orders?page=1`).catch((error: unknown) => error)
    expect(oauth.isDPoPNonceError(refused)).toBe(true)
    for (const [method, path] of [
      ['GET', '/orders?page=1'],
      ['POST', '/orders'],
      ['DELETE', '/orders/%C3%A9?x=%2F'],
    ] as const) {
      const answer = await ask(token, DPoP, plainUrl + path, method)
      expect(await answer.json()).toEqual({ client: v('DEMO_CLIENT_ID') })
    }
  })

  test('without nonces, where the origin is fixed, whatever the client says about its host', async () => {
    const { token, DPoP } = await dpopToken()
    const spoofed = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-uri': '/other' }
    expect((await ask(token, DPoP, `${plainUrl}/fixed/orders`, 'GET', spoofed)).status).toBe(200)
  })

  test('of another key is refused', async () => {
    const [{ token }, { DPoP: another }] = [await dpopToken(), await dpopToken()]
    const refused = await ask(token, another, `${plainUrl}/fixed`).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
    expect(refused).toMatchObject({
      status: 401,
      cause: [{ scheme: 'bearer' }, { scheme: 'dpop', parameters: { error: 'invalid_token' } }],
    })
  })

  test('as a Bearer token is refused', async () => {
    const { token } = await dpopToken()
    for (const path of ['/orders', '/fixed']) {
      const headers = { authorization: `Bearer ${token}` }
      expect((await fetch(plainUrl + path, { headers })).status).toBe(401)
    }
  })

  test('a Bearer token is refused where DPoP is required, and accepted where it is not', async () => {
    const response = await fetch(v('POSTERN_TOKEN_ENDPOINT'), {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${v('DEMO_CLIENT_ID')}:${v('DEMO_CLIENT_SECRET')}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    const { access_token: token } = (await response.json()) as { access_token: string }
    const headers = { authorization: `Bearer ${token}` }
    const refused = await fetch(`${plainUrl}/orders`, { headers })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toMatch(/^DPoP /)
    expect((await fetch(`${plainUrl}/fixed`, { headers })).status).toBe(200)
  })
})

describe('a certificate-bound token', () => {
  const agents: Agent[] = []
  afterAll(() => Promise.all(agents.map((agent) => agent.close())))

  const ask = async (token: string, certificate?: Certificate, headers: Record<string, string> = {}) => {
    const agent = new Agent({ connect: { ca: ca.cert, ...certificate } })
    agents.push(agent)
    const answer = await send(tlsUrl, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}`, ...headers },
    })
    return { status: answer.statusCode, text: await answer.body.text() }
  }
  const clientCert = ({ cert }: Certificate) => `:${cert.replace(/-----[^-]+-----|\s/g, '')}:`

  async function boundToken(): Promise<string> {
    const adminToken = await fetch(v('POSTERN_ADMIN_TOKEN_ENDPOINT'), {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${v('POSTERN_ADMIN_CLIENT_ID')}:${v('POSTERN_ADMIN_CLIENT_SECRET')}`)}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    const { access_token: admin } = (await adminToken.json()) as { access_token: string }
    const post = async (path: string, body: object) => {
      const response = await fetch(`${v('POSTERN_ADMIN_URL')}/auth-servers/demo${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(response.status).toBe(201)
      return (await response.json()) as { id: string; secret: string }
    }
    const { id } = await post('/clients', {
      name: 'Bound',
      scopes: ['demo:read'],
      tls_client_certificate_bound_access_tokens: true,
    })
    const { secret } = await post(`/clients/${id}/secrets`, { name: 'test' })
    const response = await fetch(v('POSTERN_TOKEN_ENDPOINT'), {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}`, 'client-cert': clientCert(holder) },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    const { access_token: token } = (await response.json()) as { access_token: string }
    return token
  }

  test('is accepted over TLS with its certificate, and over no other connection', async () => {
    const token = await boundToken()
    expect(await ask(token, holder)).toMatchObject({ status: 200 })
    for (const certificate of [thief, undefined]) {
      for (const headers of [{}, { 'client-cert': clientCert(holder) }, { 'Client-Cert': clientCert(holder) }]) {
        expect(await ask(token, certificate, headers)).toMatchObject({
          status: 401,
          text: expect.stringContaining('another certificate'),
        })
      }
    }
  })

  test('is refused by a policy that knows nothing of certificates, whatever the client sends', async () => {
    const headers = { authorization: `Bearer ${await boundToken()}`, 'client-cert': clientCert(holder) }
    expect((await fetch(`${plainUrl}/fixed`, { headers })).status).toBe(401)
  })
})
