/** Envoy's ext_authz over HTTP, asked as Envoy asks; plugins/contract has the real one. */
import { IncomingMessage, request, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Allow } from '@postern/protocol/decision'
import { afterEach, expect, test } from 'vitest'
import { extAuthzHttp } from '../../../src/transports/ext-authz/http.ts'
import { createDpopKey } from '../../support/dpop.ts'
import { startBench, type TestBench } from '../../support/sidecar.ts'

let bench: TestBench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

interface Answer {
  status: number | undefined
  headers: Record<string, string | string[] | undefined>
  body: string
}

function ask(path: string, headers: string[], method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(bench?.sidecar.address ?? '')
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, method, headers: ['Host', 'api.example', ...headers] }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
      .on('error', reject)
      .end()
  })
}

test('allows with the mark, the headers, and every spelling to remove that is not set', async () => {
  bench = await startBench()
  const authorization = ['Authorization', `Bearer ${await bench.issuer.mint()}`]
  const spoofed = ['X-Subject', 'root', 'x.subject', 'root', 'X_Roles', 'root', 'X-Other', 'kept']
  const { status, headers } = await ask('/v1/ext-authz/main/orders/1?x=1', [...authorization, ...spoofed])
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'x-postern-decision': 'allow', 'x-subject': 'alice', 'x-client': 'app' })
  expect(headers['x-envoy-auth-headers-to-remove']).toBe('authorization, x.subject, x_roles')
})

test('decides about method and path as Envoy passes them on', async () => {
  bench = await startBench({ policy: 'rules: [{ paths: [/closed/**], methods: [PUT], access: nobody }]' })
  const authorization = ['Authorization', `Bearer ${await bench.issuer.mint()}`]
  expect((await ask('/v1/ext-authz/main/closed/1', authorization, 'PUT')).status).toBe(403)
  expect((await ask('/v1/ext-authz/main/closed/1', authorization, 'GET')).status).toBe(200)
  expect((await ask('/v1/ext-authz/main/v1/ext-authz/other/', authorization, 'GET')).status).toBe(200)
})

test('takes scheme and host from Envoy for what proofs are made for', async () => {
  bench = await startBench({ policy: 'dpop: { origin_from_gateway: true }' })
  const key = await createDpopKey(bench.clock.now)
  const token = await bench.issuer.mint({ claims: { cnf: key.cnf } })
  const prove = async (htu: string) => {
    const proof = await key.prove(token, { htu })
    const headers = ['Authorization', `DPoP ${token}`, 'DPoP', proof, 'X-Forwarded-Proto', 'https']
    return (await ask('/v1/ext-authz/main/orders', headers)).status
  }
  expect(await prove('https://api.example/orders')).toBe(200)
  for (const other of ['http://api.example/orders', 'https://other.example/orders', 'https://api.example/'])
    expect(await prove(other)).toBe(401)
})

test('is asked below its own path only', async () => {
  bench = await startBench()
  const authorization = ['Authorization', `Bearer ${await bench.issuer.mint()}`]
  expect((await ask('/other/v1/ext-authz/main/', authorization)).status).toBe(404)
})

test('refuses with challenge and body; a policy that there is not, and none at all', async () => {
  bench = await startBench()
  const missing = await ask('/v1/ext-authz/main/', [])
  expect(missing.status).toBe(401)
  expect(missing.headers['www-authenticate']).toBe('Bearer realm="main"')
  expect(missing.headers['x-postern-decision']).toBeUndefined()
  expect(missing.headers['cache-control']).toBe('no-store')
  for (const path of ['/v1/ext-authz/gone/', '/v1/ext-authz/', '/v1/ext-authz//main/']) {
    const { status, body } = await ask(path, ['Authorization', `Bearer ${await bench.issuer.mint()}`])
    expect(status).toBe(403)
    expect(body).toContain('unknown_policy')
  }
})

test('a late decision that cannot be answered is told to who listens, and not to the process', async () => {
  const impossible: Allow = { decision: 'allow', remove_headers: [], set_headers: { 'x-a': 'a\r\nb' }, expires_at: 0 }
  const asked = new IncomingMessage(new Socket())
  asked.url = '/v1/ext-authz/main/'
  const answering = extAuthzHttp(asked, new ServerResponse(asked), { decide: async () => impossible })
  await expect(answering).rejects.toThrow('Invalid character')
})
