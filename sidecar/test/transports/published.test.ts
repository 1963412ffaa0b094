import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { benchConfig, startBench, type TestBench } from '../support/sidecar.ts'

let bench: TestBench

afterEach(() => bench.close())

const read = (path: string) => fetch(`${bench.sidecar.address}${path}`)

describe('the metadata of a resource', () => {
  const metadata = 'resource_metadata: { resource: https://api.example.com/orders, scopes_supported: [read] }'

  test('is told to anybody, and named in every challenge', async () => {
    bench = await startBench({ policy: metadata })
    const answer = await read('/v1/resource-metadata/main')
    expect(answer.headers.get('content-type')).toContain('application/json')
    expect(await answer.json()).toEqual({
      resource: 'https://api.example.com/orders',
      authorization_servers: [bench.issuer.url],
      scopes_supported: ['read'],
      bearer_methods_supported: ['header'],
    })
    const named = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/orders"'
    expect((await bench.ask()).headers.get('www-authenticate')).toBe(`Bearer realm="main", ${named}`)
    expect((await bench.ask('Bearer wrong')).headers.get('www-authenticate')).toContain(named)
  })

  test('is not there without being configured', async () => {
    bench = await startBench()
    for (const policy of ['main', 'other', '__proto__']) {
      expect((await read(`/v1/resource-metadata/${policy}`)).status, policy).toBe(404)
      expect((await read(`/v1/identity-keys/${policy}`)).status, policy).toBe(404)
    }
  })

  test('tells how tokens may be bound, and whether they must be', async () => {
    const [dpop, certificate] = ['dpop: { origin_from_gateway: true }', 'client_certificate: { from: rfc9440 }']
    const algorithms = ['ES256', 'ES384', 'PS256', 'RS256', 'Ed25519', 'EdDSA']
    for (const [members, expected] of [
      [[dpop], { dpop_signing_alg_values_supported: algorithms }],
      [
        [dpop, 'sender_constraint: dpop'],
        { dpop_signing_alg_values_supported: algorithms, dpop_bound_access_tokens_required: true },
      ],
      [[certificate, 'sender_constraint: mtls'], { tls_client_certificate_bound_access_tokens: true }],
      [
        [dpop, certificate, 'sender_constraint: any'],
        { dpop_signing_alg_values_supported: algorithms, tls_client_certificate_bound_access_tokens: true },
      ],
    ] as const) {
      bench = await startBench({ policy: [metadata, ...members].join('\n    ') })
      expect(await (await read('/v1/resource-metadata/main')).json()).toEqual({
        resource: 'https://api.example.com/orders',
        authorization_servers: [bench.issuer.url],
        scopes_supported: ['read'],
        bearer_methods_supported: ['header'],
        ...expected,
      })
      await bench.close()
    }
    bench = await startBench({ policy: [metadata, dpop].join('\n    ') })
    const named = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/orders"'
    const challenge = (await bench.ask()).headers.get('www-authenticate')
    expect(challenge?.split(named)).toHaveLength(3)
  })

  test('tells every way of RFC 6750 that the policy takes', async () => {
    bench = await startBench({
      policy: `${metadata}\n    token_from: [{ header: authorization }, { query: access_token }, { cookie: session }]`,
    })
    expect(await (await read('/v1/resource-metadata/main')).json()).toMatchObject({
      bearer_methods_supported: ['header', 'query'],
    })
  })
})

describe('the keys of identity tokens', () => {
  const identityToken = async () => {
    const decision = await bench.decide(['authorization', `Bearer ${await bench.issuer.mint()}`])
    return decision.decision === 'allow' ? (decision.set_headers['x-postern-identity'] ?? '') : ''
  }
  const keys = async () => (await (await read('/v1/identity-keys/main')).json()) as JSONWebKeySet
  const verify = async (jwt: string) =>
    jwtVerify(jwt, createLocalJWKSet(await keys()), { issuer: 'sidecar', audience: 'orders' })

  test('verify what the upstream gets', async () => {
    bench = await startBench({ policy: 'identity_token: { issuer: sidecar, audience: orders }' })
    const remote = createRemoteJWKSet(new URL(`${bench.sidecar.address}/v1/identity-keys/main`))
    expect((await read('/v1/identity-keys/main')).headers.get('cache-control')).toBe('public, max-age=60')
    const { payload } = await jwtVerify(await identityToken(), remote, { issuer: 'sidecar', audience: 'orders' })
    expect(payload).toMatchObject({ sub: 'alice', client_id: 'app', caller_issuer: bench.issuer.url })
  })

  test('change with their file; the old one stays until its tokens have expired', async () => {
    const folder = await temporaryFolder('identity-keys')
    try {
      const file = join(folder.path, 'key.pem')
      const write = () =>
        writeFile(
          file,
          generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }),
        )
      await write()
      const policy = `identity_token: { issuer: sidecar, audience: orders, ttl: 60, key: { file: ${file} } }`
      bench = await startBench({ policy })
      const old = await identityToken()
      await write()
      bench.clock.advance(2)
      const next = await identityToken()
      expect(decodeProtectedHeader(next).kid).not.toBe(decodeProtectedHeader(old).kid)
      await Promise.all([verify(old), verify(next)])
      await writeFile(file, 'no key')
      bench.clock.advance(2)
      await verify(await identityToken())
      expect(bench.log.join()).toContain('main identity_token.key')
      expect(bench.log.join()).not.toContain('no key')
      bench.clock.advance(70)
      expect((await keys()).keys.map(({ kid }) => kid)).toEqual([decodeProtectedHeader(next).kid])
    } finally {
      await folder.remove()
    }
  })

  test('made up at the start outlive another change of the policy', async () => {
    const policy = 'identity_token: { issuer: sidecar, audience: orders }'
    bench = await startBench({ policy })
    const before = await identityToken()
    const changed = { policy: `${policy}\n    required_scopes: [read]` }
    expect(await bench.sidecar.reload(() => parseConfig(benchConfig(bench.issuer.url, changed), 'bench.yaml'))).toBe(
      true,
    )
    await verify(before)
    expect(decodeProtectedHeader(await identityToken()).kid).toBe(decodeProtectedHeader(before).kid)
  })
})
