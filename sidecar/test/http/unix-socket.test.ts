import { stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Sidecar, startSidecar } from '../../src/compose.ts'
import { parseConfig } from '../../src/config/load.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let path = ''
const started: Sidecar[] = []

beforeEach(async () => {
  folder = await temporaryFolder('socket')
  path = join(folder.path, 'sidecar.sock')
})

afterEach(async () => {
  await Promise.all(started.splice(0).map((sidecar) => sidecar.close()))
  await folder.remove()
})

async function start(listen = `{ unix: ${path} }`): Promise<Sidecar> {
  const text = `
listen: ${listen}
admin: { tcp: 127.0.0.1:0 }
issuers: { test: { issuer: http://127.0.0.1:9, audience: [api] } }
policies: { main: { issuers: [test] } }
`
  const deps = { logger: pino({ level: 'silent' }), readSecret: () => '' }
  const sidecar = await startSidecar(parseConfig(text, 'socket.yaml'), deps)
  started.push(sidecar)
  return sidecar
}

function ask(): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: path, path: '/v1/forward-auth/main' }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('a unix socket', () => {
  test('serves what TCP serves, to the owner and its group only', async () => {
    const sidecar = await start()
    expect(sidecar.address).toBeUndefined()
    expect(await ask()).toBe(401)
    expect((await stat(path)).mode & 0o777).toBe(0o660)
  })

  test('is there beside TCP', async () => {
    const sidecar = await start(`{ unix: ${path}, tcp: 127.0.0.1:0 }`)
    expect(await ask()).toBe(401)
    expect((await fetch(`${sidecar.address}/v1/forward-auth/main`)).status).toBe(401)
  })

  test('is gone after the end, and can be listened on again', async () => {
    const sidecar = await start()
    started.splice(0)
    await sidecar.close()
    await expect(stat(path)).rejects.toThrow('ENOENT')
    await start()
    expect(await ask()).toBe(401)
  })

  test('that a dead process left behind is replaced', async () => {
    const { execFileSync } = await import('node:child_process')
    const abandon = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    expect(() => execFileSync(process.execPath, ['-e', abandon], { stdio: 'ignore' })).toThrow()
    expect((await stat(path)).isSocket()).toBe(true)
    await start()
    expect(await ask()).toBe(401)
  })

  test('that somebody listens on is left alone', async () => {
    await start()
    await expect(start()).rejects.toThrow('is in use')
    expect(await ask()).toBe(401)
  })

  test('does not take the place of a file', async () => {
    await writeFile(path, 'precious')
    await expect(start()).rejects.toThrow('is no socket')
  })
})
