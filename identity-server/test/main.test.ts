/** The server as a process: how it starts, refuses to start, and ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateMasterKey } from '../src/keys/master-keys.ts'
import { childAdmin, startChildServer } from './support/child-server.ts'
import { basic, postForm, postJson, send } from './support/http.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** Runs the process to its end. */
async function run(variables: Record<string, string>): Promise<{ code: number; output: string }> {
  const ports = { POSTERN_PORT: String(await freePort()), POSTERN_OPERATIONS_PORT: String(await freePort()) }
  const child = spawn(process.execPath, [main], { env: { PATH: process.env.PATH, ...ports, ...variables } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  }
  const [code] = await once(child, 'close')
  return { code: Number(code), output }
}

describe('the process', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    folder = await temporaryFolder('main')
  })
  afterAll(() => folder.remove())

  test('ends with 1 and the reason where the environment is wrong', async () => {
    const { code, output } = await run({ POSTERN_PORT: 'wrong', POSTERN_DATA_DIR: folder.path })
    expect(code).toBe(1)
    expect(output).toMatch(/^POSTERN_PORT must be /)
    expect(output).not.toContain('    at ')
    expect(await readdir(folder.path)).toEqual([])
  })

  test('ends with 1, without the password, where the database cannot be reached', async () => {
    const { code, output } = await run({
      POSTERN_DATA_DIR: folder.path,
      DATABASE_URL: `postgres://user:database-password@127.0.0.1:${await freePort()}/x`,
      POSTERN_MASTER_KEYS: generateMasterKey(),
    })
    expect(code).toBe(1)
    expect(output).toContain('ECONNREFUSED')
    expect(output).not.toContain('database-password')
  })

  test('ends on SIGTERM with 0 within 3 s, though a poll waits and connections idle; then starts again as it was', async () => {
    const variables = { POSTERN_DATA_DIR: join(folder.path, 'data') }
    const server = await startChildServer({ ...variables, POSTERN_ADMIN_CLIENT_SECRET: '' })
    const file = await readFile(join(variables.POSTERN_DATA_DIR, 'admin-client.env'), 'utf8')
    const admin = { id: childAdmin.id, secret: /POSTERN_ADMIN_CLIENT_SECRET=(pst_\S+)/.exec(file)?.[1] ?? '' }
    const { json } = await postForm(`${server.origin}/system/token`, { grant_type: 'client_credentials' }, admin)
    const administer = (method: string, path: string, body: unknown) =>
      send(`${server.origin}/admin/v1${path}`, {
        method,
        body: JSON.stringify(body),
        headers: { authorization: `Bearer ${json.access_token}`, 'content-type': 'application/json' },
      })
    const path = '/auth-servers/system/clients/first'
    expect((await administer('PATCH', path, { may_introspect: true })).status).toBe(200)

    const port = Number(new URL(server.origin).port)
    const silent = connect(port, '127.0.0.1')
    const agent = new Agent({ keepAlive: true })
    const [idle] = await once(get({ port, host: '127.0.0.1', agent, path: '/system/jwks' }), 'response')
    idle.resume()
    const poll = postJson(`${server.origin}/system/events/poll`, {}, basic(admin))
    await delay(200)
    const began = performance.now()
    await server.process.stop('SIGTERM', 10_000)
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(await server.process.exited).toEqual({ code: 0, signal: null })
    expect(await poll).toMatchObject({ status: 200, json: { sets: {} } })
    expect(server.process.output()).not.toContain(admin.secret)
    silent.destroy()
    agent.destroy()

    const again = await startChildServer(variables, server.origin)
    const answer = await postJson(`${again.origin}/system/events/poll`, { returnImmediately: true }, basic(admin))
    expect(answer.status).toBe(200)
    const second = await run({ ...variables })
    expect(second.code).toBe(1)
    expect(second.output).toContain('is in use by another process')
    await again.process.stop('SIGTERM')
  })

  test('keeps what it makes up in files that only its user can read', async () => {
    const data = join(folder.path, 'data')
    expect((await stat(data)).mode & 0o777).toBe(0o700)
    for (const name of ['master-keys', 'admin-client.env']) {
      expect((await stat(join(data, name))).mode & 0o777).toBe(0o600)
    }
  })

  test('ends with 1 and the reason where the master key is another', async () => {
    const variables = { POSTERN_DATA_DIR: join(folder.path, 'data'), POSTERN_MASTER_KEYS: generateMasterKey() }
    const { code, output } = await run(variables)
    expect(code).toBe(1)
    expect(output).toMatch(/master key [0-9a-f]{12} is not in the list/)
    expect(output).not.toContain(variables.POSTERN_MASTER_KEYS)
  })

  test('ends with 1 where a port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const { code, output } = await run({ POSTERN_DATA_DIR: join(folder.path, 'data'), POSTERN_PORT: port })
    taken.close()
    expect(code).toBe(1)
    expect(output).toContain('EADDRINUSE')
  })
})
