/** `npm start` as a newcomer meets it: the process, its env file, the walk-through that it prints. */
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createAdminClient } from '@postern/sdk/admin'
import { type RunningProcess, startProcess, temporaryFolder } from '@postern/tools/servers/process'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseEnvFile } from '../src/env-file.ts'

const run = promisify(execFile)
const main = join(import.meta.dirname, '..', 'src', 'main.ts')
const anyPort = {
  POSTERN_PORT: '0',
  POSTERN_OPERATIONS_PORT: '0',
  SIDECAR_PORT: '0',
  SIDECAR_ADMIN_PORT: '0',
  SIDECAR_GRPC_PORT: '0',
  GATEWAY_PORT: '0',
  UPSTREAM_PORT: '0',
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let demo: RunningProcess
let variables: Record<string, string>

async function start(): Promise<void> {
  const envFile = join(folder.path, 'demo.env')
  await rm(envFile, { force: true })
  const read = () => readFile(envFile, 'utf8').then(parseEnvFile, () => undefined)
  demo = await startProcess(process.execPath, [main], {
    env: { ...process.env, ...anyPort, POSTERN_DATA_DIR: folder.path },
    ready: async () => (await read()) !== undefined,
    readyWithinMs: 60_000,
  })
  variables = (await read()) ?? {}
}

function variable(name: string): string {
  const value = variables[name]
  if (!value) throw new Error(`demo.env has no ${name}`)
  return value
}

const TokenResponse = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  scope: Type.String(),
})
const Echo = Type.Object({
  uri: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  token: Type.Object({ verified: Type.Literal(true), claims: Type.Record(Type.String(), Type.Unknown()) }),
})

const asClient = () => ({
  authorization: `Basic ${btoa(`${variable('DEMO_CLIENT_ID')}:${variable('DEMO_CLIENT_SECRET')}`)}`,
  'content-type': 'application/x-www-form-urlencoded',
})

async function accessToken(): Promise<string> {
  const response = await fetch(variable('POSTERN_TOKEN_ENDPOINT'), {
    method: 'POST',
    headers: asClient(),
    body: `grant_type=client_credentials&scope=${variable('DEMO_SCOPE')}`,
  })
  return Value.Parse(TokenResponse, await response.json()).access_token
}

const throughGateway = (headers: Record<string, string> = {}) =>
  fetch(`${variable('GATEWAY_URL')}/orders?of=me`, { headers })

beforeAll(async () => {
  folder = await temporaryFolder('demo')
  await start()
}, 90_000)

afterAll(async () => {
  await demo.stop('SIGTERM', 10_000)
  await folder.remove()
})

describe('npm start', () => {
  test('writes every variable that the design names', () => {
    const names = `POSTERN_ISSUER POSTERN_TOKEN_ENDPOINT POSTERN_ADMIN_URL POSTERN_ADMIN_CLIENT_ID
      POSTERN_ADMIN_CLIENT_SECRET DEMO_CLIENT_ID DEMO_CLIENT_SECRET DEMO_SCOPE DEMO_POLICY SIDECAR_URL SIDECAR_ADMIN_URL
      GATEWAY_URL UPSTREAM_URL`.split(/\s+/)
    expect(Object.keys(variables)).toEqual(expect.arrayContaining(names))
  })

  test('refuses a request without a token, with a challenge', async () => {
    const response = await throughGateway()
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="demo"$/)
  })

  test('lets a token through: the upstream sees the caller, and a verified token of its own', async () => {
    const token = await accessToken()
    const response = await throughGateway({ authorization: `Bearer ${token}`, 'x-postern-client-id': 'somebody-else' })
    expect(response.status).toBe(200)
    const echo = Value.Parse(Echo, await response.json())
    expect(echo.uri).toBe('/orders?of=me')
    expect(echo.headers['x-postern-client-id']).toBe(variable('DEMO_CLIENT_ID'))
    expect(echo.headers.authorization).toMatch(/^Bearer /)
    expect(echo.headers.authorization).not.toBe(`Bearer ${token}`)
    expect(echo.token.claims).toMatchObject({ aud: 'demo-upstream', client_id: 'demo-sidecar' })
  })

  test('keeps the upstream closed to whoever goes around the gateway', async () => {
    const response = await fetch(variable('UPSTREAM_URL'), {
      headers: { authorization: `Bearer ${await accessToken()}` },
    })
    expect(response.status).toBe(401)
  })

  test('refuses a revoked token, though the sidecar has it cached', async () => {
    const headers = { authorization: `Bearer ${await accessToken()}` }
    expect((await throughGateway(headers)).status).toBe(200)
    const revocation = await fetch(`${variable('POSTERN_ISSUER')}/revoke`, {
      method: 'POST',
      headers: asClient(),
      body: `token=${headers.authorization.slice('Bearer '.length)}`,
    })
    expect(revocation.status).toBe(200)
    const refusedAfterMs = await untilRefused(headers)
    expect(refusedAfterMs).toBeLessThan(1_000)
  })

  test('says so where it runs already, and leaves what runs alone', async () => {
    const env = { ...process.env, ...anyPort, POSTERN_DATA_DIR: folder.path }
    const second = await run(process.execPath, [main], { env }).catch(
      (error: { code: number; stderr: string }) => error,
    )
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`runs already, at ${variable('GATEWAY_URL')}`),
    })
    expect((await throughGateway({ authorization: `Bearer ${await accessToken()}` })).status).toBe(200)
    expect(await readFile(join(folder.path, 'demo.env'), 'utf8')).toContain(variable('DEMO_CLIENT_SECRET'))
  })

  test('names the ports that are in use, and the variables that choose others', async () => {
    const { port } = new URL(variable('SIDECAR_URL'))
    const other = await temporaryFolder('demo-ports')
    const env = { ...process.env, ...anyPort, POSTERN_DATA_DIR: other.path, GATEWAY_PORT: port }
    const refused = await run(process.execPath, [main], { env }).catch(
      (error: { code: number; stderr: string }) => error,
    )
    expect(refused).toMatchObject({ code: 1, stderr: `port ${port} is in use; GATEWAY_PORT=0 picks a free one\n` })
    await other.remove()
  })

  test('stops at ctrl-C within 5 s, and keeps the data for the next start', async () => {
    const admin = () =>
      createAdminClient({
        adminUrl: variable('POSTERN_ADMIN_URL'),
        tokenEndpoint: variable('POSTERN_ADMIN_TOKEN_ENDPOINT'),
        clientId: variable('POSTERN_ADMIN_CLIENT_ID'),
        clientSecret: variable('POSTERN_ADMIN_CLIENT_SECRET'),
      })
    await admin().clients('demo').create({ id: 'kept', name: 'Kept over the restart' })
    const secret = variable('DEMO_CLIENT_SECRET')

    const begun = performance.now()
    await demo.stop('SIGINT', 10_000)
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(await demo.exited).toEqual({ code: 0, signal: null })
    for (const name of ['POSTERN_ISSUER', 'SIDECAR_URL', 'GATEWAY_URL', 'UPSTREAM_URL']) {
      await expect(fetch(variable(name)), name).rejects.toThrow('fetch failed')
    }

    await start()
    expect(variable('DEMO_CLIENT_SECRET')).toBe(secret)
    expect((await admin().clients('demo').read('kept')).name).toBe('Kept over the restart')
    expect((await throughGateway({ authorization: `Bearer ${await accessToken()}` })).status).toBe(200)
  }, 90_000)
})

/** How long the gateway still lets the token through, in ms; gives up after 5 s. */
async function untilRefused(headers: Record<string, string>): Promise<number> {
  const begun = performance.now()
  while (performance.now() - begun < 5_000) {
    const { status } = await throughGateway(headers)
    if (status === 401) return performance.now() - begun
  }
  return Number.POSITIVE_INFINITY
}
