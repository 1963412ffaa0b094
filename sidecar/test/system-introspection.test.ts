/** Introspection at the real identity server: opaque tokens, signed answers, JWTs that must still hold, revocations. */
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sidecar, startSidecar } from '../src/compose.ts'
import { parseConfig } from '../src/config/load.ts'
import { createReadSecret } from '../src/config/secret.ts'
import { type IdentityServer, startIdentityServer } from './support/identity-server.ts'
import { eventually } from './support/redis.ts'

let server: IdentityServer
let sidecar: Sidecar
const secrets = new Map<string, string>()
const log: string[] = []
const audience = 'https://orders.example'

beforeAll(async () => {
  server = await startIdentityServer()
  const { admin, issuer } = server
  await admin('POST', '/scopes', { name: 'read', is_default: true })
  const client = async (id: string, settings: object = {}) => {
    await admin('POST', '/clients', { id, name: id, scopes: ['read'], ...settings })
    secrets.set(id, String((await admin('POST', `/clients/${id}/secrets`, { name: 'test' })).secret))
  }
  await client('opaque', { access_token_format: 'opaque' })
  await client('jwt')
  await client('sidecar', { may_introspect: true, introspection_audiences: [audience] })

  const credentials = { client_id: 'sidecar', client_secret: { value: secrets.get('sidecar') } }
  const config = {
    listen: { tcp: '127.0.0.1:0' },
    admin: { tcp: '127.0.0.1:0' },
    issuers: {
      acme: {
        issuer,
        audience: [audience],
        introspection: { ...credentials, signed: true, hedging: {}, opaque_tokens: { prefix: 'pst_at_' } },
        revocation_feed: { ...credentials, max_age: 5 },
      },
    },
    policies: {
      main: { issuers: ['acme'], headers: { 'x-client': 'client_id' }, inspection: {} },
      fresh: { issuers: ['acme'], introspect_jwts: true, required_scopes: ['read'] },
    },
  }
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) })
  sidecar = await startSidecar(parseConfig(JSON.stringify(config), 'test.yaml'), {
    logger,
    readSecret: createReadSecret({}),
  })
  await eventually(async () => expect((await fetch(`${sidecar.adminAddress}/readyz`)).status).toBe(200))
}, 90_000)

afterAll(async () => {
  await sidecar?.close()
  await server?.close()
})

const asClient = (client: string, parameters: Record<string, string>) => ({
  method: 'POST',
  headers: { authorization: `Basic ${btoa(`${client}:${secrets.get(client)}`)}` },
  body: new URLSearchParams(parameters),
})

async function tokenOf(client: string): Promise<string> {
  const answer = await fetch(`${server.issuer}/token`, asClient(client, { grant_type: 'client_credentials' }))
  return ((await answer.json()) as { access_token: string }).access_token
}

const ask = (token: string, policy = 'main') =>
  fetch(`${sidecar.address}/v1/forward-auth/${policy}`, { headers: { authorization: `Bearer ${token}` } })

async function untilRefused(token: string, policy?: string): Promise<void> {
  const begun = performance.now()
  while ((await ask(token, policy)).status === 200) expect(performance.now() - begun).toBeLessThan(1_500)
}

const revoke = (client: string, token: string) => fetch(`${server.issuer}/revoke`, asClient(client, { token }))

describe('beside the real identity server', () => {
  test('its opaque tokens are let through by its signed answers, and refused soon after their revocation', async () => {
    const token = await tokenOf('opaque')
    expect(token).toMatch(/^pst_at_/)
    const answer = await ask(token)
    expect([answer.status, answer.headers.get('x-client')]).toEqual([200, 'opaque'])
    await revoke('opaque', token)
    await untilRefused(token)
  })

  test('tokens without its prefix are shown to nobody', async () => {
    const answer = await ask('another-kind-of-token')
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ error_description: 'the token is of no known kind' })
  })

  test('its JWTs are introspected too where the policy says so', async () => {
    const token = await tokenOf('jwt')
    expect((await ask(token, 'fresh')).status).toBe(200)
    await revoke('jwt', token)
    await untilRefused(token, 'fresh')
  })

  test('the sidecar answers introspection in its place', async () => {
    const introspect = async (token: string) => {
      const init = { method: 'POST', body: new URLSearchParams({ token }) }
      return (await fetch(`${sidecar.address}/v1/introspect/main`, init)).json()
    }
    for (const client of ['opaque', 'jwt']) {
      const token = await tokenOf(client)
      expect(await introspect(token)).toMatchObject({
        active: true,
        iss: server.issuer,
        client_id: client,
        scope: 'read',
      })
      await revoke(client, token)
      await expect.poll(() => introspect(token)).toEqual({ active: false })
    }
  })

  test('the feed stays recent though nothing is revoked for a while, and no secret or token is logged', async () => {
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    expect((await ask(await tokenOf('jwt'))).status).toBe(200)
    expect(log.join()).not.toMatch(new RegExp(`pst_at_|eyJ|${secrets.get('sidecar')}`))
  }, 20_000)
})
