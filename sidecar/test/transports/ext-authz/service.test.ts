/** Envoy's gRPC, asked as Envoy asks; plugins/contract has the real one. */
import { createHash, X509Certificate } from 'node:crypto'
import { Client, credentials, Metadata, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js'
import { selfSign } from '@postern/tools/certificates'
import { afterEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/load.ts'
import type { Decider } from '../../../src/decider/decider.ts'
import { unknownPolicy } from '../../../src/decider/refusals.ts'
import { type CheckRequest, type CheckResponse, messages } from '../../../src/transports/ext-authz/messages.ts'
import { authorizationService, createAuthorization } from '../../../src/transports/ext-authz/service.ts'
import { createDpopKey } from '../../support/dpop.ts'
import { type BenchOptions, benchConfig, startBench, type TestBench, withIntrospection } from '../../support/sidecar.ts'
import { fromStruct } from '../../support/struct.ts'

let bench: TestBench
let client: Client

afterEach(async () => {
  client?.close()
  await bench.close()
})

async function start(options: BenchOptions = {}): Promise<void> {
  bench = await startBench({ ...options, listen: 'grpc: 127.0.0.1:0' })
  client = new Client(bench.sidecar.grpcAddress ?? '', credentials.createInsecure())
}

interface Asked {
  headers?: Record<string, string>
  /** Name, value pairs, as Envoy sends them with `encode_raw_headers`. */
  raw?: [string, string][]
  policy?: string
  metadata?: Record<string, string>
  deadlineMs?: number
  bytes?: Buffer
  /** Of the client, URL-encoded PEM: with `include_peer_certificate`. */
  certificate?: string
}

function check({
  headers = {},
  raw,
  policy = 'main',
  metadata = {},
  deadlineMs = 2_000,
  bytes,
  certificate,
}: Asked): Promise<CheckResponse> {
  const header_map = raw && {
    headers: raw.map(([key, value]) => ({ key, value: '', raw_value: Buffer.from(value, 'latin1') })),
  }
  const http = {
    method: 'GET',
    headers,
    header_map: header_map ?? null,
    path: '/a?b',
    host: 'api.example',
    scheme: 'https',
  }
  const request: CheckRequest = {
    attributes: {
      source: certificate === undefined ? null : { certificate },
      request: { http },
      context_extensions: policy === '' ? {} : { policy },
    },
  }
  const sent = new Metadata()
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value)
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/envoy.service.auth.v3.Authorization/Check',
      (message: CheckRequest) => bytes ?? messages.request.serialize(message),
      messages.response.deserialize,
      request,
      sent,
      { deadline: Date.now() + deadlineMs },
      (error, response) => (response ? resolve(response) : reject(error)),
    )
  })
}

function health(service = ''): Promise<Buffer> {
  const name = Buffer.from(service)
  const request = Buffer.concat([Buffer.from([0x0a, name.length]), name])
  const same = (bytes: Buffer) => bytes
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, (error, response) =>
      response ? resolve(response) : reject(error),
    )
  })
}

const bearer = async (claims = {}) => `Bearer ${await bench.issuer.mint({ claims })}`

describe('a bound token', () => {
  test('needs a proof for the URI that Envoy tells', async () => {
    await start({ policy: 'dpop: { origin_from_gateway: true }' })
    const key = await createDpopKey(bench.clock.now)
    const token = await bench.issuer.mint({ claims: { cnf: key.cnf } })
    const prove = async (htu: string) =>
      check({ headers: { authorization: `DPoP ${token}`, dpop: await key.prove(token, { htu }) } })
    expect((await prove('https://api.example/a')).status.code).toBe(status.OK)
    for (const other of ['https://other.example/a', 'http://api.example/a', 'https://api.example/b']) {
      const { denied_response } = await prove(other)
      expect(denied_response?.status.code).toBe(401)
      expect(denied_response?.body).toContain('invalid_dpop_proof')
    }
  })

  test('needs the certificate of the connection to Envoy', async () => {
    await start({ policy: 'client_certificate: { from: gateway }' })
    const [own, another] = [await selfSign({ subject: '/CN=own' }), await selfSign({ subject: '/CN=another' })]
    const thumbprint = createHash('sha256').update(new X509Certificate(own.cert).raw).digest('base64url')
    const headers = { authorization: await bearer({ cnf: { 'x5t#S256': thumbprint } }) }
    const ask = async (certificate?: string) =>
      (await check({ headers, ...(certificate !== undefined && { certificate }) })).status.code
    expect(await ask(encodeURIComponent(own.cert))).toBe(status.OK)
    for (const other of [encodeURIComponent(another.cert), '', undefined, 'x']) {
      expect(await ask(other)).toBe(status.UNAUTHENTICATED)
    }
  })
})

describe('a decision', () => {
  test('to allow sets identity headers in the place of others', async () => {
    await start()
    const response = await check({ headers: { authorization: await bearer(), ':path': '/a?b', 'x-other': '1' } })
    expect(response.status.code).toBe(status.OK)
    expect(response.ok_response?.headers.map(({ header }) => [header.key, header.value])).toEqual([
      ['x-subject', 'alice'],
      ['x-client', 'app'],
    ])
    expect(response.ok_response?.headers.every(({ append }) => append.value === false)).toBe(true)
    expect(response.ok_response?.headers_to_remove).toEqual(['authorization'])
  })

  test('tells other filters the policy, the expiry, the issuer and the usual claims, scopes as a list', async () => {
    await start()
    const { dynamic_metadata: told } = await check({ headers: { authorization: await bearer({ tenant: 'a' }) } })
    expect(fromStruct(told)).toEqual({
      policy: 'main',
      expires_at: expect.any(Number),
      claims: { iss: bench.issuer.url, sub: 'alice', client_id: 'app', scope: ['read', 'write'] },
    })
  })

  test('tells other filters the claims that the policy names, also of an opaque token, and no more', async () => {
    const options = { issuer: withIntrospection, policy: 'gateway_claims: [tenant, roles, missing]' }
    await start(options)
    const claims = { tenant: { id: 7 }, roles: ['a', 'b'], iss: undefined }
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims(claims) })
    for (const authorization of ['Bearer opaque', await bearer({ ...claims, iss: bench.issuer.url })]) {
      const { claims: told } = fromStruct((await check({ headers: { authorization } })).dynamic_metadata)
      expect(told).toEqual({ iss: bench.issuer.url, tenant: { id: 7 }, roles: ['a', 'b'] })
    }
  })

  test('to refuse tells the log of the gateway why', async () => {
    await start({ policy: 'required_scopes: [admin]' })
    const refused = await check({ headers: { authorization: await bearer() } })
    expect(fromStruct(refused.dynamic_metadata)).toEqual({ policy: 'main', error: 'insufficient_scope' })
  })

  test('about a request without a token tells of nobody', async () => {
    await start({ policy: 'access: anonymous' })
    const allowed = await check({})
    expect(fromStruct(allowed.dynamic_metadata)).toEqual({ policy: 'main', expires_at: expect.any(Number) })
  })

  test('names every spelling of identity headers that the request has, but for those that are set', async () => {
    await start()
    const spoofed = ['x-subject', 'x_subject', 'x.subject', 'X-Roles', 'x_roles', 'x~roles']
    const raw = spoofed.map((name): [string, string] => [name, 'root'])
    const response = await check({ raw: [...raw, ['authorization', await bearer()]] })
    expect(response.ok_response?.headers_to_remove).toEqual([
      ...['x_subject', 'x.subject', 'x-roles', 'x_roles', 'x~roles', 'authorization'],
    ])
  })

  test('to refuse has status, challenge and body for the client', async () => {
    await start({ policy: 'required_scopes: [admin]' })
    const missing = await check({})
    expect(missing).toMatchObject({
      status: { code: status.UNAUTHENTICATED },
      denied_response: { status: { code: 401 } },
    })
    const insufficient = await check({ headers: { authorization: await bearer() } })
    const { headers = [], body = '' } = insufficient.denied_response ?? {}
    expect(insufficient).toMatchObject({
      status: { code: status.PERMISSION_DENIED },
      denied_response: { status: { code: 403 } },
    })
    expect(Object.fromEntries(headers.map(({ header }) => [header.key, header.value]))).toMatchObject({
      'www-authenticate': expect.stringContaining('insufficient_scope'),
      'cache-control': 'no-store',
      'content-type': 'application/json',
    })
    expect(JSON.parse(body)).toMatchObject({ error: 'insufficient_scope' })
  })

  test('that cannot be made says 503 with Retry-After', async () => {
    await start({ issuer: withIntrospection })
    bench.issuer.behave('introspection', 'status500')
    const { status: code, denied_response } = await check({ headers: { authorization: 'Bearer opaque' } })
    expect(code.code).toBe(status.UNAVAILABLE)
    expect(denied_response?.status.code).toBe(503)
    expect(denied_response?.headers.map(({ header }) => header.key)).toContain('retry-after')
  })
})

describe('what is asked', () => {
  test('two Authorization headers are malformed, whichever way Envoy sends them', async () => {
    await start()
    const [one, other] = [await bearer(), await bearer()]
    const raw: [string, string][] = [
      ['authorization', one],
      ['authorization', other],
    ]
    for (const asked of [{ raw }, { headers: { authorization: `${one},${other}` } }]) {
      expect((await check(asked)).denied_response?.body).toContain('invalid_request')
    }
  })

  test('headers are those that the client sent, byte by byte, with the host and without pseudo-headers', async () => {
    const is = (expression: string) => `{ expression: "${expression}" }`
    const conditions = [
      is("request.headers['x-name'] == 'caf\u00e9'"),
      is("!(':path' in request.headers)"),
      is("request.headers.host == 'api.example'"),
    ]
    await start({ policy: `conditions: [${conditions.join(', ')}]` })
    const authorization: [string, string] = ['authorization', await bearer()]
    const path: [string, string] = [':path', '/a?b']
    expect((await check({ raw: [authorization, path, ['x-name', 'caf\u00e9']] })).status.code).toBe(status.OK)
    const others: [string, string][][] = [
      [['x-name', 'cafe']],
      [
        ['x-name', 'caf\u00e9'],
        ['host', 'other.example'],
      ],
    ]
    for (const raw of others) {
      expect((await check({ raw: [authorization, path, ...raw] })).status.code).toBe(status.PERMISSION_DENIED)
    }
  })

  test('the policy comes from the route, else from the metadata of the filter; else it is unknown', async () => {
    await start({ more: '  strict: { issuers: [test], required_scopes: [admin] }' })
    const headers = { authorization: await bearer() }
    const metadata = { 'x-postern-policy': 'strict' }
    expect((await check({ headers, metadata })).status.code).toBe(status.OK)
    expect((await check({ headers, metadata, policy: '' })).denied_response?.body).toContain('insufficient_scope')
    expect((await check({ headers, policy: '' })).denied_response?.body).toContain('unknown_policy')
  })

  test('what is no request, or no message, or too large, is refused', async () => {
    await start()
    expect((await check({ bytes: Buffer.alloc(0) })).denied_response?.status.code).toBe(400)
    await expect(check({ bytes: Buffer.from('no protobuf') })).rejects.toMatchObject({ code: status.INTERNAL })
    const tooLarge = { headers: { authorization: await bearer(), 'x-large': 'x'.repeat(300_000) } }
    await expect(check(tooLarge)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
    expect((await check({ headers: { authorization: await bearer() } })).status.code).toBe(status.OK)
  })
})

describe('waiting', () => {
  test('ends before the deadline of who asks', async () => {
    await start({ issuer: withIntrospection })
    bench.issuer.behave('introspection', 'hang')
    await check({})
    const response = await check({ headers: { authorization: 'Bearer opaque' }, deadlineMs: 280 })
    expect(response.denied_response?.status.code).toBe(503)
  })

  test('a call under way is finished though the listener closes', async () => {
    await start({ issuer: withIntrospection })
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    bench.issuer.behave('introspection', 'hang')
    const asked = check({ headers: { authorization: 'Bearer opaque' } })
    await expect.poll(() => bench.issuer.calls.introspection).toBe(1)
    const gone = bench.sidecar.reload(() =>
      parseConfig(benchConfig(bench.issuer.url, { issuer: withIntrospection }), 'bench.yaml'),
    )
    // The introspection runs into its own deadline; the answer still arrives.
    expect((await asked).denied_response?.status.code).toBe(503)
    expect(await gone).toBe(true)
    await expect(check({})).rejects.toMatchObject({ code: status.UNAVAILABLE })
  })
})

test('a defect is an error of the call, at once or late, and not the end of the process', async () => {
  await start()
  const impossible: Decider['decide'][] = [
    () => JSON.parse('{ "decision": "allow" }'),
    async () => JSON.parse('{ "decision": "allow" }'),
    () => Promise.reject(new Error('a defect')),
  ]
  const server = new Server()
  let decide: Decider['decide'] = () => unknownPolicy
  server.addService(authorizationService, createAuthorization({ decide: (...asked) => decide(...asked) }))
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  client.close()
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  for (decide of impossible) {
    const failed = await check({}).catch((error: ServiceError) => error.code)
    expect([status.INTERNAL, status.UNKNOWN]).toContain(failed)
  }
  decide = () => unknownPolicy
  expect((await check({})).denied_response?.body).toContain('unknown_policy')
  server.forceShutdown()
})

test('the health service says what /readyz says', async () => {
  await start()
  const serving = Buffer.from([0x08, 1])
  await expect.poll(() => health()).toEqual(serving)
  expect(await health('envoy.service.auth.v3.Authorization')).toEqual(serving)
  await expect(health('other')).rejects.toMatchObject({ code: status.NOT_FOUND } satisfies Partial<ServiceError>)
  bench.sidecar.drain()
  expect(await health()).toEqual(Buffer.from([0x08, 2]))
})
