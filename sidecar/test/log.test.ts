/** The log where it cannot be written, by the process as an operator runs it. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestIssuer, type TestIssuer } from './support/issuer.ts'
import { benchConfig, withIntrospection } from './support/sidecar.ts'

const main = join(import.meta.dirname, '..', 'src', 'main.ts')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let issuer: TestIssuer
let stop = async () => {}

beforeEach(async () => {
  folder = await temporaryFolder('log')
  issuer = await startTestIssuer(Date.now)
})
afterEach(async () => {
  await stop()
  await issuer.close()
  await folder.remove()
})

async function start(log: string) {
  const [port, adminPort] = [await freePort(), await freePort()]
  const text = benchConfig(issuer.url, { issuer: withIntrospection })
    .replace('127.0.0.1:0', `127.0.0.1:${port}`)
    .replace('127.0.0.1:0', `127.0.0.1:${adminPort}`)
    .replace('log: { level: debug }', `log: ${log}`)
  const file = join(folder.path, 'sidecar.yaml')
  await writeFile(file, text)
  const ready = answers(`http://127.0.0.1:${adminPort}/readyz`)
  const running = await startProcess(process.execPath, [main, file], { ready })
  stop = () => running.stop()
  const ask = async (authorization: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/forward-auth/main`, { headers: { authorization } })
    return response.status
  }
  const notes = async () => JSON.stringify(await (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).json())
  return { ask, notes, pid: running.pid, output: running.output }
}

describe('a log file', () => {
  test('on a disk that is full loses lines, and decisions go on; readiness has a note', async () => {
    const { ask, notes } = await start('{ file: /dev/full, access: { allow_share: 1 } }')
    const good = `Bearer ${await issuer.mint()}`
    for (let times = 0; times < 200; times++) {
      expect(await ask(good)).toBe(200)
      expect(await ask('Bearer a b')).toBe(401)
    }
    await expect.poll(notes).toMatch(/"ready".*lines of the log are lost: ENOSPC/)
  })

  test('is opened anew with SIGHUP, after it was rotated', async () => {
    const file = join(folder.path, 'sidecar.log')
    const { ask, pid } = await start(`{ file: ${file}, access: { refusals_per_second: 1000 } }`)
    await ask('Bearer a b')
    await expect.poll(() => readFile(file, 'utf8')).toContain('"decision":"deny"')
    await rename(file, `${file}.1`)
    process.kill(pid, 'SIGHUP')
    await expect
      .poll(async () => {
        await ask('Bearer a b')
        return readFile(file, 'utf8').catch(() => '')
      })
      .toContain('"decision":"deny"')
  })
})

test('an outage under load has few lines in the log, which say how many were left out', async () => {
  const { ask, output } = await start('{ access: { refusals_per_second: 5 } }')
  issuer.behave('introspection', 'status500')
  for (let times = 0; times < 300; times++) expect(await ask(`Bearer opaque-${times}`)).toBe(503)
  const lines = output().split('\n')
  expect(lines.filter((line) => line.includes('decision unavailable')).length).toBeLessThan(20)
  expect(lines.length).toBeLessThan(100)
})
