/** The admin client against the real identity server: what the two think of each other's documents must agree. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { freePort, temporaryFolder } from '@postern/tools/servers/process'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type IdentityServer, startIdentityServer } from '../../identity-server/src/compose.ts'
import { parseEnvironment } from '../../identity-server/src/config.ts'
import { type AdminClient, type AdminClientOptions, createAdminClient } from '../src/admin.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: IdentityServer
let options: AdminClientOptions
let admin: AdminClient

beforeAll(async () => {
  folder = await temporaryFolder('admin-client')
  const port = await freePort()
  const environment = parseEnvironment({
    POSTERN_DATA_DIR: folder.path,
    POSTERN_PORT: String(port),
    POSTERN_OPERATIONS_PORT: '0',
  })
  server = await startIdentityServer(environment, pino({ level: 'silent' }))
  const kept = await readFile(join(folder.path, 'admin-client.env'), 'utf8')
  options = {
    adminUrl: `${server.address}/admin/v1`,
    tokenEndpoint: `${server.address}/system/token`,
    clientId: 'postern-admin',
    clientSecret: /POSTERN_ADMIN_CLIENT_SECRET=(\S+)/.exec(kept)?.[1] ?? '',
  }
  admin = createAdminClient(options)
})

afterAll(async () => {
  await server.close()
  await folder.remove()
})

describe('each resource', () => {
  test('organizations', async () => {
    const created = await admin.organizations.create({ name: 'Acme' })
    expect(created.parent_id).toBe('root')
    expect(await admin.organizations.read(created.id)).toEqual(created)
    expect((await admin.organizations.update(created.id, { name: 'Acme Ltd' })).name).toBe('Acme Ltd')
    expect((await admin.organizations.list()).map(({ id }) => id)).toContain(created.id)
    await admin.organizations.remove(created.id)
    await expect(admin.organizations.read(created.id)).rejects.toMatchObject({ code: 'not_found', status: 404 })
  })

  test('auth servers, scopes, clients and secrets', async () => {
    const body = { id: 'shop', organization_id: 'root', name: 'Shop', audience: 'shop-api' }
    const authServer = await admin.authServers.create(body)
    expect(authServer).toMatchObject({ issuer: `${server.address}/shop`, access_token_lifetime: 300 })

    const scope = await admin.scopes('shop').create({ name: 'orders:read' })
    expect(await admin.scopes('shop').read('orders:read')).toEqual(scope)
    const client = await admin.clients('shop').create({ id: 'app', name: 'App', scopes: ['orders:read'] })
    expect(client).toMatchObject({ enabled: true, scopes: ['orders:read'], audience: null })
    expect(await admin.clients('shop').update('app', { enabled: false })).toMatchObject({ enabled: false })

    const { secret, ...kept } = await admin.clientSecrets('shop', 'app').create({ name: 'first' })
    expect(secret).toMatch(/^pst_/)
    expect(await admin.clientSecrets('shop', 'app').list()).toEqual([kept])
    await admin.authServers.remove('shop')
    await expect(admin.clients('shop').list()).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('signing keys', () => {
  test('are listed, read, rotated and revoked; the algorithm and the interval can be set', async () => {
    const body = { id: 'keys', organization_id: 'root', name: 'Keys', audience: 'keys', key_rotation_interval: 7_200 }
    expect(await admin.authServers.create(body)).toMatchObject({ key_rotation_interval: 7_200 })
    const keys = admin.keys('keys')
    const [first, ...none] = await keys.list()
    expect([first?.state, first?.algorithm, none]).toEqual(['active', 'ES256', []])
    expect(await keys.read(first?.kid ?? '')).toEqual(first)

    const next = await keys.rotate()
    expect(next.state).toBe('next')
    expect(await keys.rotate({ immediately: true })).toMatchObject({ kid: next.kid, state: 'active' })
    await keys.revoke(next.kid)
    await expect(keys.read(next.kid)).rejects.toMatchObject({ code: 'not_found' })

    const change = { signing_algorithm: 'EdDSA', key_rotation_interval: null }
    expect(await admin.authServers.update('keys', change)).toMatchObject(change)
    expect((await keys.list()).map(({ state, algorithm }) => `${state} ${algorithm}`).toSorted()).toEqual([
      'active ES256',
      'next EdDSA',
      'retired ES256',
    ])
  })
})

describe('list', () => {
  test('reads all pages', async () => {
    await admin.authServers.create({ id: 'many', organization_id: 'root', name: 'Many', audience: 'many' })
    const names = Array.from({ length: 120 }, (_, index) => `scope-${String(index).padStart(3, '0')}`)
    for (const name of names) await admin.scopes('many').create({ name })
    expect((await admin.scopes('many').list()).map(({ name }) => name)).toEqual(names)
  })
})

describe('a refusal', () => {
  test('has the code of the problem', async () => {
    const conflict = { id: 'system', organization_id: 'root', name: 'System', audience: 'x' }
    await expect(admin.authServers.create(conflict)).rejects.toMatchObject({
      name: 'AdminError',
      code: 'conflict',
      status: 409,
    })
    await expect(admin.organizations.create({})).rejects.toMatchObject({ code: 'invalid_request', status: 400 })
  })

  test('of the token endpoint has its code, and not the secret', async () => {
    const wrong = createAdminClient({ ...options, clientSecret: 'wrong-secret' })
    const error = await wrong.organizations.list().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'AdminError', code: 'invalid_client', status: 401 })
    expect(String(error)).not.toContain('wrong-secret')
  })
})

describe('a server that is none', () => {
  test.each([
    ['no JSON', 200, '<html>'],
    ['another document', 200, '{"items":"none"}'],
    ['an unknown failure', 500, '{"message":"oops"}'],
  ])('is recognised: %s', async (_what, status, body) => {
    const other = createServer((_request, response) => response.writeHead(status).end(body))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const client = createAdminClient({ ...options, adminUrl: `http://127.0.0.1:${port}` })
    await expect(client.organizations.list()).rejects.toMatchObject({ code: 'unexpected_answer' })
    await new Promise((resolve) => other.close(resolve))
  })

  test('is not waited for longer than the deadline', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const client = createAdminClient({ ...options, tokenEndpoint: `http://127.0.0.1:${port}`, timeoutMs: 200 })
    const begun = performance.now()
    await expect(client.organizations.list()).rejects.toThrow()
    expect(performance.now() - begun).toBeLessThan(2_000)
    silent.closeAllConnections()
    await new Promise((resolve) => silent.close(resolve))
  })
})

describe('access tokens', () => {
  test('are fetched once, and anew before they expire', async () => {
    let time = Date.now()
    const seen = new Set<string>()
    const gate = createServer(async (request, response) => {
      seen.add(request.headers.authorization ?? '')
      response.end('{"items":[],"next":null}')
    })
    await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
    const address = gate.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const client = createAdminClient({ ...options, adminUrl: `http://127.0.0.1:${port}`, now: () => time })
    await client.organizations.list()
    time += 200_000
    await client.organizations.list()
    expect(seen.size).toBe(1)
    time += 60_000
    await client.organizations.list()
    expect(seen.size).toBe(2)
    gate.closeAllConnections()
    await new Promise((resolve) => gate.close(resolve))
  })
})
