import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Certificate, selfSign } from '@postern/tools/certificates'
import { afterAll, describe, expect, test } from 'vitest'
import { databases } from '../support/databases.ts'
import type { Answer } from '../support/http.ts'
import { createMtlsBench, createMtlsClient, type MtlsBench, type MtlsClient } from '../support/mtls.ts'
import type { TestServer } from '../support/server.ts'
import { type Tenant, useTenant } from '../support/tenant.ts'

const method = { token_endpoint_auth_methods: ['self_signed_tls_client_auth'] }

const jwkOf = ({ cert }: Certificate) => ({ ...new X509Certificate(cert).publicKey.export({ format: 'jwk' }) })
const x5cOf = ({ cert }: Certificate) => [new X509Certificate(cert).raw.toString('base64')]

describe.each(databases)('self_signed_tls_client_auth on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let bench: MtlsBench
  const opened: MtlsClient[] = []

  useTenant(
    start,
    (made) => {
      server = made.server
      tenant = made.tenant
    },
    async () => {
      bench = await createMtlsBench()
      return { environment: { ...bench.environment, POSTERN_OUTGOING_PRIVATE: 'true' } }
    },
  )
  afterAll(async () => {
    for (const client of opened) await client.close()
    await bench.remove()
  })

  const outcomeOf = ({ status, json }: Answer) => (status === 200 ? 'token' : json.error)
  const ask = async (identity: Certificate, client_id: string) => {
    const client = createMtlsClient(bench.ca, identity)
    opened.push(client)
    const form = { grant_type: 'client_credentials', client_id }
    return outcomeOf(await client.post(`${bench.origin}/${tenant.id}/token`, form))
  }

  test('a certificate whose key is registered inline, elliptic or RSA', async () => {
    const [ec, rsa] = [await selfSign({ subject: '/CN=ec' }), await selfSign({ subject: '/CN=rsa', rsa: true })]
    const keys = [
      { ...jwkOf(ec), x5c: x5cOf(ec) },
      { ...jwkOf(rsa), kid: 'rsa' },
    ]
    const { id } = await tenant.client({ ...method, jwks: { keys } })
    expect(await ask(ec, id)).toBe('token')
    expect(await ask(rsa, id)).toBe('token')
    // To compare keys of different kinds leaves nothing behind that closes this or another connection.
    const [another] = opened
    const form = { grant_type: 'client_credentials', client_id: id }
    for (const wrong of [await selfSign({ subject: '/CN=rsa', rsa: true }), await selfSign({ subject: '/CN=ec' })]) {
      expect(await ask(wrong, id)).toBe('invalid_client')
      expect((await another?.post(`${bench.origin}/${tenant.id}/token`, form))?.status).toBe(200)
    }
  })

  test('a key of another kind, compared with, cuts no connection (error left behind in OpenSSL)', async () => {
    const [ec, rsa] = [await selfSign({ subject: '/CN=ec' }), await selfSign({ subject: '/CN=rsa', rsa: true })]
    const { id } = await tenant.client({ ...method, jwks: { keys: [jwkOf(rsa), jwkOf(ec)] } })
    const other = await tenant.client({ ...method, jwks: { keys: [jwkOf(ec)] } })
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all([ask(ec, id), ask(rsa, other.id), ask(rsa, id), ask(ec, other.id)])
      expect(answers).toEqual(['token', 'invalid_client', 'token', 'token'])
    }
  })

  test('refuses the certificate of another client, whatever it calls itself and whoever vouches for it', async () => {
    const mine = await selfSign({ subject: '/CN=mine' })
    const { id } = await tenant.client({ ...method, jwks: { keys: [jwkOf(mine)] } })
    expect(await ask(await selfSign({ subject: '/CN=mine' }), id)).toBe('invalid_client')
    expect(await ask(await bench.clients.issue({ subject: '/CN=mine' }), id)).toBe('invalid_client')
    const other = await selfSign({ subject: '/CN=other' })
    await tenant.client({ ...method, jwks: { keys: [jwkOf(other)] } })
    expect(await ask(other, id)).toBe('invalid_client')
  })

  test('refuses a certificate that a client only claims in x5c', async () => {
    const [mine, victim] = [await selfSign({ subject: '/CN=mine' }), await selfSign({ subject: '/CN=victim' })]
    const keys = [{ ...jwkOf(mine), x5c: x5cOf(victim) }]
    const { id } = await tenant.client({ ...method, jwks: { keys } })
    expect(await ask(victim, id)).toBe('invalid_client')
  })

  test('takes keys from jwks_uri, new ones too, and says that it could not get them', async () => {
    const [first, second] = [await selfSign({ subject: '/CN=1' }), await selfSign({ subject: '/CN=2' })]
    let answer: unknown = { keys: [jwkOf(first)] }
    const host = createServer((_request, response) => {
      response.writeHead(answer === undefined ? 500 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer))
    })
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
    const { port } = host.address() as AddressInfo
    const at = (path: string) => tenant.client({ ...method, jwks_uri: `http://127.0.0.1:${port}/${path}` })
    const { id } = await at('a')
    expect(await ask(first, id)).toBe('token')
    expect(await ask(second, id)).toBe('invalid_client')
    answer = { keys: [jwkOf(second)] }
    server.advance(11_000)
    expect(await ask(second, id)).toBe('token')
    expect(await ask(first, id)).toBe('invalid_client')
    answer = undefined
    expect(await ask(first, (await at('b')).id)).toBe('temporarily_unavailable')
    host.closeAllConnections()
    host.close()
  })

  test('refuses a certificate that has expired', async () => {
    const identity = await selfSign({ subject: '/CN=mine' })
    const { id } = await tenant.client({ ...method, jwks: { keys: [jwkOf(identity)] } })
    expect(await ask(identity, id)).toBe('token')
    server.advance(3 * 86_400_000)
    expect(await ask(identity, id)).toBe('invalid_client')
  })
})
