/** Tokens for upstreams from the real identity server, by every grant and client authentication method that both know. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { selfSign } from '@postern/tools/certificates'
import { decodeJwt, exportJWK } from 'jose'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sidecar, startSidecar } from '../src/compose.ts'
import { parseConfig } from '../src/config/load.ts'
import { createReadSecret } from '../src/config/secret.ts'
import { signAssertion } from '../src/remote/signing/signed-assertion.ts'
import { readSigningKey } from '../src/remote/signing/signing-key.ts'
import { type IdentityServer, startIdentityServer } from './support/identity-server.ts'

let server: IdentityServer
let sidecar: Sidecar
let upstreams: Record<string, object>
const log: string[] = []

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

beforeAll(async () => {
  server = await startIdentityServer()
  const { admin, file, authority, issuer } = server
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }
  await admin('POST', '/scopes', { name: 'read', is_default: true })

  const client = async (id: string, settings: object = {}) => {
    await admin('POST', '/clients', { id, name: id, scopes: ['read'], ...settings })
    return id
  }
  const secretOf = async (id: string) => {
    const { secret } = await admin('POST', `/clients/${id}/secrets`, { name: 'test' })
    return { file: await file(`${id}.secret`, String(secret)) }
  }
  const withSecret = async (id: string, settings: object = {}) => ({
    client_id: await client(id, settings),
    client_secret: await secretOf(id),
  })
  const key = { file: await file('key.pem', pem) }
  const alice = await authority.issue({ subject: '/CN=alice', subjectAltName: 'DNS:alice.example' })
  const own = await selfSign({ subject: '/CN=own' })
  const certificate = async (name: string, { cert, key: privateKey }: { cert: string; key: string }) => ({
    certificate: { file: await file(`${name}.crt`, cert) },
    key: { file: await file(`${name}.key`, privateKey) },
    ca: { file: await file('ca.crt', authority.cert) },
  })
  const x5c = [own.cert.replace(/-----[^-]+-----|\s/g, '')]
  const ownJwk = { kty: 'EC', ...(await exportJWK(createPublicKey(own.cert))), x5c }

  await admin('POST', '/trusted-issuers', {
    name: 'Sidecar',
    issuer: 'https://sidecar.example',
    jwks: { keys: [jwk] },
    trusted_for: ['assertions'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the identity server
    subject: 'gateway:${subject_token.sub}',
    scopes: ['read'],
  })
  const asserting = {
    client_id: await client('asserting', { grant_types: [bearer, 'refresh_token'] }),
    client_secret: await secretOf('asserting'),
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the sidecar
  const subject = 'user-${sub}'
  upstreams = {
    basic: await withSecret('basic'),
    post: { ...(await withSecret('post')), client_auth: 'client_secret_post' },
    secret_jwt: {
      ...(await withSecret('secret-jwt', { token_endpoint_auth_methods: ['client_secret_jwt'] })),
      client_auth: 'client_secret_jwt',
    },
    private_key: {
      client_id: await client('private-key', {
        token_endpoint_auth_methods: ['private_key_jwt'],
        jwks: { keys: [jwk] },
      }),
      client_auth: 'private_key_jwt',
      client_assertion: { key, kid: 'k1' },
    },
    tls: {
      client_id: await client('tls', {
        token_endpoint_auth_methods: ['tls_client_auth'],
        tls_client_auth_san_dns: 'alice.example',
        tls_client_certificate_bound_access_tokens: true,
      }),
      client_auth: 'tls_client_auth',
      tls: await certificate('alice', alice),
    },
    self_signed: {
      client_id: await client('self-signed', {
        token_endpoint_auth_methods: ['self_signed_tls_client_auth'],
        jwks: { keys: [ownJwk] },
      }),
      client_auth: 'self_signed_tls_client_auth',
      tls: await certificate('own', own),
    },
    dpop: { ...(await withSecret('dpop', { dpop_bound_access_tokens: true })), dpop: {} },
    exchange: {
      ...(await withSecret('exchanging', {
        grant_types: [exchange],
        resources: ['https://stock.example'],
        token_exchange: { delegation: 'any', audiences: ['https://orders.example'] },
      })),
      grant: { token_exchange: {} },
      resource: ['https://stock.example'],
    },
    assertion: {
      ...asserting,
      grant: { jwt_bearer: { key, kid: 'k1', issuer: 'https://sidecar.example', subject: 'batch' } },
    },
    claims: {
      ...asserting,
      grant: { jwt_bearer: { key, kid: 'k1', issuer: 'https://sidecar.example', subject } },
    },
  }
  const first = await refreshToken(asserting.client_id, asserting.client_secret.file)
  upstreams.refresh = {
    ...asserting,
    grant: {
      refresh_token: { token: { file: await file('first', first) }, state_file: `${server.folder}/refresh-state` },
    },
  }

  const config = {
    listen: { tcp: '127.0.0.1:0' },
    admin: { tcp: '127.0.0.1:0' },
    issuers: { acme: { issuer, audience: ['https://orders.example'] } },
    upstreams: Object.fromEntries(
      Object.entries(upstreams).map(([name, upstream]) => [name, { issuer, handed_out: true, ...upstream }]),
    ),
    policies: {
      exchange: { issuers: ['acme'], upstream: 'exchange' },
      claims: { issuers: ['acme'], upstream: 'claims' },
    },
  }
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) })
  sidecar = await startSidecar(parseConfig(JSON.stringify(config), 'test.yaml'), {
    logger,
    readSecret: createReadSecret({}),
  })
}, 90_000)

afterAll(async () => {
  await sidecar?.close()
  await server?.close()
})

/** The first refresh token, as an operator would obtain it: by the JWT bearer grant. */
async function refreshToken(clientId: string, secretFile: string): Promise<string> {
  const claims = { issuer: 'https://sidecar.example', subject: 'batch', audience: server.issuer, lifetime: 60 }
  const assertion = await signAssertion(readSigningKey(pem, { kid: 'k1' }), claims, Date.now())
  const answer = await fetch(`${server.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${await readFile(secretFile, 'utf8')}`)}` },
    body: new URLSearchParams({ grant_type: bearer, assertion }),
  })
  const { refresh_token } = (await answer.json()) as { refresh_token: string }
  return refresh_token
}

async function tokenOf(upstream: string, body: object = {}) {
  const answer = await fetch(`${sidecar.address}/v1/upstream-tokens/${upstream}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const json = (await answer.json()) as { access_token: string; token_type: string }
  expect([answer.status, log.filter((line) => line.includes(`"upstream":"${upstream}"`))]).toEqual([200, []])
  return { ...json, claims: decodeJwt(json.access_token) }
}

async function purge(upstream: string, token: string): Promise<unknown> {
  const answer = await fetch(`${sidecar.address}/v1/upstream-tokens/${upstream}`, {
    method: 'DELETE',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  return answer.json()
}

async function secretIds(client: string): Promise<string[]> {
  const { items } = await server.admin('GET', `/clients/${client}/secrets`)
  return (items as { id: string }[]).map(({ id }) => id)
}

describe('a token for the sidecar itself', () => {
  test.each([
    ['basic', 'basic'],
    ['post', 'post'],
    ['secret_jwt', 'secret-jwt'],
    ['private_key', 'private-key'],
    ['tls', 'tls'],
    ['self_signed', 'self-signed'],
  ])('by %s', async (upstream, clientId) => {
    const { token_type, claims } = await tokenOf(upstream)
    expect(token_type).toBe('Bearer')
    expect(claims).toMatchObject({ iss: server.issuer, client_id: clientId, sub: clientId, scope: 'read' })
  })

  test('that is bound to its certificate', async () => {
    const { claims } = await tokenOf('tls')
    expect(claims.cnf).toEqual({ 'x5t#S256': expect.any(String) })
  })

  test('that is bound to its key, with a proof', async () => {
    const request = { method: 'GET', uri: 'https://stock.example/items' }
    const { token_type, claims } = await tokenOf('dpop', { request })
    expect(token_type).toBe('DPoP')
    expect(claims.cnf).toEqual({ jkt: expect.any(String) })
  })

  test('by an assertion that it signed', async () => {
    expect((await tokenOf('assertion')).claims).toMatchObject({ sub: 'gateway:batch', client_id: 'asserting' })
  })

  test('by a secret that is replaced, at once, though the old one ends without notice', async () => {
    const { access_token: token } = await tokenOf('basic')
    const path = '/clients/basic/secrets'
    const old = await secretIds('basic')
    const { secret } = await server.admin('POST', path, { name: 'next' })
    await server.file('basic.secret', String(secret))
    for (const id of old) await server.admin('DELETE', `${path}/${id}`)
    expect(await purge('basic', token)).toEqual({ outcome: 'purged' })
    expect((await tokenOf('basic')).access_token).not.toBe(token)
  })

  test('by a refresh token, and the next one after the other was refused', async () => {
    const first = await tokenOf('refresh')
    expect(first.claims).toMatchObject({ sub: 'gateway:batch' })
    expect(await purge('refresh', first.access_token)).toEqual({ outcome: 'purged' })
    const second = await tokenOf('refresh')
    expect(second.access_token).not.toBe(first.access_token)
  })
})

describe('a token on behalf of a caller', () => {
  const decide = async (policy: string, token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${sidecar.address}/v1/forward-auth/${policy}`, { headers })
    const authorization = answer.headers.get('authorization') ?? ''
    return { status: answer.status, token: authorization.replace('Bearer ', '') }
  }

  test('is exchanged, and tells for whom and who acts', async () => {
    const caller = await tokenOf('basic')
    const { status, token } = await decide('exchange', caller.access_token)
    expect(status).toBe(200)
    expect(decodeJwt(token)).toMatchObject({
      sub: 'basic',
      aud: 'https://stock.example',
      client_id: 'exchanging',
      act: { sub: 'exchanging' },
    })
    expect((await decide('exchange', caller.access_token)).token).toBe(token)
    expect((await tokenOf('exchange', { caller_token: caller.access_token })).access_token).toBe(token)
  })

  test('is minted from verified claims', async () => {
    const caller = await tokenOf('post')
    const { status, token } = await decide('claims', caller.access_token)
    expect(status).toBe(200)
    expect(decodeJwt(token)).toMatchObject({ sub: 'gateway:user-post', client_id: 'asserting' })
  })
})
