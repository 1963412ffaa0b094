import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { publishedForMs, retiredForMs } from '../../src/keys/lifecycle.ts'
import { metadataMaxAge } from '../../src/lifetimes.ts'
import { databases, postgresOnly } from '../support/databases.ts'
import { type Credentials, send } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant, useTenant } from '../support/tenant.ts'
import { until } from '../support/wait.ts'

const day = 86_400_000

const jwksOf = async ({ issuer }: Tenant): Promise<JSONWebKeySet> => JSON.parse((await send(`${issuer}/jwks`)).text)
const kidsOf = async (tenant: Tenant) => (await jwksOf(tenant)).keys.map(({ kid }) => kid)

/** Verifies tokens as whoever keeps the JWK Set as long as it may, and does not look for a key that it does not know. */
function createLazyVerifier(server: TestServer, tenant: Tenant) {
  let fetchedAt = Number.NEGATIVE_INFINITY
  let jwks: JSONWebKeySet = { keys: [] }
  return async (token: string): Promise<string | undefined> => {
    if (server.now() - fetchedAt >= metadataMaxAge * 1_000) {
      jwks = await jwksOf(tenant)
      fetchedAt = server.now()
    }
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), { currentDate: new Date(server.now()) })
    return protectedHeader.kid
  }
}

describe.each(databases)('rotation on schedule on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant

  useTenant(start, (bench) => {
    server = bench.server
    tenant = bench.tenant
  })

  /** As time goes by, with the job at its interval. */
  async function live(ms: number, stepMs: number, each: () => Promise<void> = async () => undefined) {
    for (let passed = 0; passed < ms; passed += stepMs) {
      server.advance(stepMs)
      await server.runJob('rotate-keys')
      await each()
    }
  }

  test('no verifier ever meets a key that it does not know, and no token dies before its time', async () => {
    const client: Credentials = await tenant.client({ access_token_lifetime: 86_400 })
    const verify = createLazyVerifier(server, tenant)
    const signers = new Set<string | undefined>()
    const longest = { token: await tenant.token(client), until: server.now() + day }
    await server.admin('PATCH', `/auth-servers/${tenant.id}`, { key_rotation_interval: 3_600 })

    await live(4 * 3_600_000, 150_000, async () => {
      signers.add(await verify(await tenant.token(client)))
      expect(await verify(longest.token)).toBeTypeOf('string')
    })
    expect(signers.size).toBeGreaterThanOrEqual(4)
    expect((await jwksOf(tenant)).keys.length).toBeGreaterThanOrEqual(4)

    server.advance(longest.until - server.now() - 30_000)
    await server.runJob('rotate-keys')
    expect((await tenant.introspect(client, longest.token)).json.active).toBe(true)
    server.advance(31_000)
    expect((await tenant.introspect(client, longest.token)).json.active).toBe(false)

    // Where rotation ends, what is retired goes, and nothing else.
    await server.admin('PATCH', `/auth-servers/${tenant.id}`, { key_rotation_interval: null })
    await live(2 * publishedForMs, publishedForMs)
    server.advance(retiredForMs)
    await server.runJob('rotate-keys')
    const [last, ...more] = await kidsOf(tenant)
    expect(more).toEqual([])
    server.advance(1_000 * day)
    await server.runJob('rotate-keys')
    expect(await kidsOf(tenant)).toEqual([last])
    await tenant.token(client)
  })

  test('each step stands in the audit log, done by the schedule, without the private key', async () => {
    const other = await createTenant(server)
    const [first] = await kidsOf(other)
    server.advance(90 * day)
    await live(3 * publishedForMs, publishedForMs)
    server.advance(retiredForMs)
    await server.runJob('rotate-keys')
    const [next] = await kidsOf(other)
    const { json, text } = await server.admin('GET', `/audit-log?auth_server=${other.id}&actor=urn:postern:schedule`)
    const entries = Array.isArray(json.items) ? json.items : []
    const target = (kid: string | undefined) => `/auth-servers/${other.id}/keys/${kid}`
    expect(entries.map(({ action, target }) => [action, target])).toEqual([
      ['signing_key.deleted', target(first)],
      ['signing_key.rotated', target(next)],
      ['signing_key.updated', target(first)],
      ['signing_key.created', target(next)],
    ])
    expect(entries[1].changes).toMatchObject({ state: { from: 'next', to: 'active' } })
    expect(text).not.toMatch(/"d"|private_key/)
    const recorded = async () => {
      const { json } = await server.admin('GET', `/auth-servers/${other.id}/events`)
      const items = Array.isArray(json.items) ? json.items : []
      return items.flatMap(({ type, data }) => (String(type).startsWith('key.') ? [`${type} ${data?.kid}`] : []))
    }
    await until(async () => (await recorded()).length >= 3)
    const steps = [`key.activated ${next}`, `key.removed ${first}`, `key.retired ${first}`]
    expect((await recorded()).sort()).toEqual(steps)
    await server.runJob('rotate-keys')
    const again = await server.admin('GET', `/audit-log?auth_server=${other.id}&actor=urn:postern:schedule`)
    expect(again.json.items).toHaveLength(entries.length)
  })

  test('the system auth server is no exception, and the admin API goes on', async () => {
    const system = { ...tenant, id: 'system', issuer: `${server.origin}/system` }
    const [before] = await kidsOf(system)
    server.advance(91 * day)
    await live(3 * publishedForMs, publishedForMs)
    const [active, retired] = await kidsOf(system)
    expect(retired).toBe(before)
    expect(active).not.toBe(before)
    expect((await server.admin('GET', '/organizations')).status).toBe(200)
  })
})

describe.each(postgresOnly)('rotation by several replicas on $kind', ({ start }) => {
  let server: TestServer
  let tenant: Tenant
  let variables: TestServer['variables']
  let store: Awaited<ReturnType<typeof start>>

  useTenant(
    async () => {
      store = await start()
      return store
    },
    (bench) => {
      server = bench.server
      tenant = bench.tenant
      variables = bench.server.variables
    },
  )

  test('ends in one next key, then one active one, and each replica signs with it', async () => {
    const replica = await startTestServer(store, {
      variables,
      environment: { POSTERN_PUBLIC_ORIGIN: server.origin },
    })
    const there = { ...tenant, issuer: `${replica.address}/${tenant.id}` }
    const client = await tenant.client()
    const everywhere = () =>
      Promise.all(Array.from({ length: 6 }, (_, index) => (index % 2 ? server : replica).runJob('rotate-keys')))
    const advance = (ms: number) => {
      server.advance(ms)
      replica.advance(ms)
    }
    const [first] = await kidsOf(tenant)
    advance(90 * day)
    await everywhere()
    const [, next, ...more] = await kidsOf(tenant)
    expect(more).toEqual([])
    expect(await kidsOf(there)).toEqual([first, next])
    advance(publishedForMs)
    await everywhere()
    expect(await kidsOf(tenant)).toEqual([next, first])
    expect(await kidsOf(there)).toEqual([next, first])
    expect(await createLazyVerifier(server, tenant)(await tenant.token(client))).toBe(next)
    advance(retiredForMs)
    await everywhere()
    expect(await kidsOf(there)).toEqual([next])
    await replica.close()
  })
})
