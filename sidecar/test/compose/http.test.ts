/** An issuer whose server a private authority vouches for, and that asks for our certificate. */
import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { createCertificateAuthority } from '@postern/tools/certificates'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSidecar } from '../../src/compose.ts'
import { parseConfig } from '../../src/config/load.ts'

let authority: Awaited<ReturnType<typeof createCertificateAuthority>>
let server: Server
let issuer = ''
let token = ''
/** Path and name in the certificate, of each request. */
let requests: string[] = []

beforeAll(async () => {
  authority = await createCertificateAuthority()
  const own = await authority.issue({ subject: '/CN=localhost', subjectAltName: 'DNS:localhost' })
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }
  const answers: Record<string, () => object> = {
    '/.well-known/openid-configuration': () => ({
      issuer,
      jwks_uri: `${issuer}/jwks`,
      introspection_endpoint: `${issuer}/introspect`,
    }),
    '/jwks': () => ({ keys: [jwk] }),
    '/introspect': () => ({ active: true, iss: issuer, aud: 'api', sub: 'alice', client_id: 'app' }),
  }
  server = createServer({ ...own, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate()
    requests.push(`${request.url} ${subject?.CN ?? 'nobody'}`)
    response.setHeader('content-type', 'application/json')
    request.resume().on('end', () => response.end(JSON.stringify(answers[request.url ?? '']?.())))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  issuer = `https://localhost:${typeof address === 'object' ? address?.port : ''}`
  const seconds = Math.floor(Date.now() / 1_000)
  token = await new SignJWT({ client_id: 'app', jti: 'one' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience('api')
    .setSubject('alice')
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 60)
    .sign(privateKey)
})

afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await authority.remove()
})

async function ask(tls: object | undefined, tokens: string[]): Promise<number[]> {
  requests = []
  const config = {
    listen: { tcp: '127.0.0.1:0' },
    admin: { tcp: '127.0.0.1:0' },
    issuers: {
      test: { issuer, audience: ['api'], ...(tls && { tls }), introspection: { client_id: 'a', client_auth: 'none' } },
    },
    policies: { main: { issuers: ['test'] } },
  }
  const secrets: Record<string, string> = { ca: authority.cert, ...(await authority.issue({ subject: '/CN=sidecar' })) }
  const sidecar = await startSidecar(parseConfig(JSON.stringify(config), 'test.yaml'), {
    logger: pino({ level: 'silent' }),
    readSecret: ({ env }) => secrets[env ?? ''] ?? '',
  })
  try {
    const answers = tokens.map((one) =>
      fetch(`${sidecar.address}/v1/forward-auth/main`, { headers: { authorization: `Bearer ${one}` } }),
    )
    return (await Promise.all(answers)).map(({ status }) => status)
  } finally {
    await sidecar.close()
  }
}

test('metadata, keys and introspection are asked over the connections of the issuer', async () => {
  const tls = { ca: { env: 'ca' }, certificate: { env: 'cert' }, key: { env: 'key' } }
  expect(await ask(tls, [token, 'opaque'])).toEqual([200, 200])
  expect(new Set(requests)).toEqual(
    new Set(['/.well-known/openid-configuration sidecar', '/jwks sidecar', '/introspect sidecar']),
  )
})

test('a server that nobody known here vouches for is asked nothing', async () => {
  expect(await ask(undefined, [token, 'opaque'])).toEqual([503, 503])
  expect(requests).toEqual([])
})
