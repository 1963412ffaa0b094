/** The sidecar as an operator runs it: a process. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { answers, freePort, startProcess, temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestIssuer, type TestIssuer } from './support/issuer.ts'
import { benchConfig, withFeed, withIntrospection, withUpstream } from './support/sidecar.ts'

const main = join(import.meta.dirname, '..', 'src', 'main.ts')
const run = promisify(execFile)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let issuer: TestIssuer

beforeAll(async () => {
  folder = await temporaryFolder('sidecar')
  issuer = await startTestIssuer(Date.now)
})

afterAll(async () => {
  await issuer.close()
  await folder.remove()
})

async function configFile(text: string): Promise<string> {
  const file = join(folder.path, `${crypto.randomUUID()}.yaml`)
  await writeFile(file, text)
  return file
}

async function runMain(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return run(process.execPath, [main, ...args], { timeout: 30_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
}

async function start(text: string) {
  const [port, adminPort] = [await freePort(), await freePort()]
  const file = await configFile(
    text.replace('127.0.0.1:0', `127.0.0.1:${port}`).replace('127.0.0.1:0', `127.0.0.1:${adminPort}`),
  )
  const ready = answers(`http://127.0.0.1:${adminPort}/readyz`)
  const process_ = await startProcess(process.execPath, [main, file], { ready })
  return {
    process: process_,
    file,
    port,
    url: `http://127.0.0.1:${port}/v1/forward-auth/main`,
    admin: `http://127.0.0.1:${adminPort}`,
  }
}

describe('validate', () => {
  test('says so of a good file', async () => {
    const file = await configFile(benchConfig(issuer.url, {}))
    expect(await runMain('validate', file)).toMatchObject({ code: 0, stdout: `${file} is valid\n` })
  })

  test('tells place, path and reason of a bad one, and fails', async () => {
    const file = await configFile(benchConfig(issuer.url, { policy: 'upstream: gone' }))
    const { code, stderr } = await runMain('validate', file)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^.+\.yaml:\d+:\d+: policies\.main\.upstream: there is no upstream gone\n$/)
  })

  test('tells the same as JSON', async () => {
    const file = await configFile(benchConfig(issuer.url, { policy: 'upstream: gone' }))
    const { code, stdout } = await runMain('validate', '--json', file)
    expect(code).toBe(1)
    const reason = 'there is no upstream gone'
    const problem = { line: expect.any(Number), column: expect.any(Number), path: 'policies.main.upstream', reason }
    expect(JSON.parse(stdout)).toEqual({ file, valid: false, problems: [problem] })
  })

  test('fails otherwise without a file, and for one that is not there', async () => {
    for (const args of [['validate'], ['validate', '--josn', 'a.yaml']]) {
      expect(await runMain(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('usage') })
    }
    expect(await runMain('validate', '/nowhere.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT'),
    })
  })
})

describe('start', () => {
  test('is refused for a bad file and for a missing secret, which is named but not shown', async () => {
    const file = await configFile(benchConfig(issuer.url, { issuer: 'algorithms: [none]' }))
    expect(await runMain(file)).toMatchObject({ code: 1, stderr: expect.stringContaining('algorithms[0]') })
    const secret = withIntrospection.replace('value: test-secret', 'env: NOT_SET_ANYWHERE')
    const missing = await configFile(benchConfig(issuer.url, { issuer: secret }))
    expect(await runMain(missing)).toMatchObject({ code: 1, stderr: expect.stringContaining('NOT_SET_ANYWHERE') })
  })

  test('ends with SIGTERM in time, though connections are kept alive and a poll is waiting', async () => {
    const sidecar = await start(benchConfig(issuer.url, { issuer: withFeed }))
    const agent = new Agent({ keepAlive: true })
    await new Promise((resolve) =>
      request(sidecar.url, { agent }, (response) => response.resume().on('end', resolve)).end(),
    )
    const begun = performance.now()
    await sidecar.process.stop('SIGTERM', 10_000)
    agent.destroy()
    expect(performance.now() - begun).toBeLessThan(3_000)
    expect(await sidecar.process.exited).toEqual({ code: 0, signal: null })
  })
})

describe('the end', () => {
  test('is told by /readyz first; requests go on being served, and those under way are finished', async () => {
    const text = `${benchConfig(issuer.url, { issuer: withIntrospection })}\ndrain: { delay: 2, timeout: 5 }\n`
    const sidecar = await start(text)
    issuer.introspects('opaque', { active: true, ...issuer.claims() })
    const ask = async (authorization: string) => (await fetch(sidecar.url, { headers: { authorization } })).status
    const begun = performance.now()
    process.kill(sidecar.process.pid, 'SIGTERM')
    const ready = async () => (await fetch(`${sidecar.admin}/readyz`)).status
    await expect.poll(ready, { interval: 20 }).toBe(503)
    expect(await ask('Bearer opaque')).toBe(200)
    // Asked just before listening ends, and answered after it: the issuer lets it wait.
    issuer.behave('introspection', 'hang')
    await delay(Math.max(0, 1_700 - (performance.now() - begun)))
    const late = ask('Bearer late')
    expect(await late).toBe(503)
    expect(performance.now() - begun).toBeGreaterThan(2_000)
    await expect(ask('Bearer opaque')).rejects.toThrow()
    expect(await sidecar.process.exited).toEqual({ code: 0, signal: null })
    issuer.behave('introspection', 'normal')
  }, 20_000)
})

describe('a changed file', () => {
  test('takes effect, and a bad one is refused with line and reason; SIGHUP reads it at once', async () => {
    const sidecar = await start(benchConfig(issuer.url, {}))
    const ask = async (policy: string) => {
      const headers = { authorization: `Bearer ${await issuer.mint()}` }
      return (await fetch(sidecar.url.replace('main', policy), { headers })).status
    }
    const good = await readFile(sidecar.file, 'utf8')
    await writeFile(sidecar.file, `${good}  second: { issuers: [test] }\n`)
    await expect.poll(() => ask('second'), { timeout: 5_000 }).toBe(200)
    await writeFile(sidecar.file, `${good}  third: { issuers: [gone] }\n`)
    process.kill(sidecar.process.pid, 'SIGHUP')
    await expect
      .poll(sidecar.process.output)
      .toMatch(/\.yaml:\d+:\d+: policies\.third\.issuers\[0\]: there is no issuer gone/)
    expect(await ask('second')).toBe(200)
    await sidecar.process.stop()
  })
})

describe('the log', () => {
  test('holds neither tokens nor secrets, whatever happens', async () => {
    const options = { issuer: `${withFeed}\n    ${withIntrospection}`, policy: withUpstream }
    const sidecar = await start(benchConfig(issuer.url, options))
    issuer.introspects('opaque-of-alice', { active: true, ...issuer.claims() })
    const tokens = [await issuer.mint(), await issuer.mint({ claims: { aud: 'other' } }), 'opaque-of-alice', 'a.b.c']
    const ask = async () => {
      for (const token of tokens) await fetch(sidecar.url, { headers: { authorization: `Bearer ${token}` } })
    }
    await ask()
    for (const endpoint of ['introspection', 'events', 'token', 'jwks'] as const) issuer.behave(endpoint, 'html')
    tokens.push('opaque-while-broken', await issuer.mint({ header: { kid: 'unknown' } }))
    await ask()
    const { ok } = await fetch(`${sidecar.admin}/metrics`)
    expect(ok).toBe(true)
    await sidecar.process.stop()
    const output = sidecar.process.output()
    expect(output).toContain('decision unavailable')
    for (const secret of [...tokens, 'test-secret', 'upstream-token-']) expect(output).not.toContain(secret)
  })
})

describe('several processes of one configuration', () => {
  beforeAll(() => issuer.behave('jwks', 'normal'))

  const startOne = async (file: string) => {
    const admin = `127.0.0.1:${await freePort()}`
    const ready = answers(`http://${admin}/readyz`)
    return { admin, process: await startProcess(process.execPath, [main, file, '--admin', admin], { ready }) }
  }

  test('share the address, each with its own admin port; one may go while the other serves', async () => {
    const port = await freePort()
    const config = benchConfig(issuer.url, { listen: 'shared: true' }).replace('127.0.0.1:0', `127.0.0.1:${port}`)
    const file = await configFile(config)
    const [one, other] = [await startOne(file), await startOne(file)]
    const authorization = `Bearer ${await issuer.mint()}`
    const ask = async () => {
      const headers = { authorization, connection: 'close' }
      return (await fetch(`http://127.0.0.1:${port}/v1/forward-auth/main`, { headers })).status
    }
    const decisions = async ({ admin }: { admin: string }) => {
      const text = await (await fetch(`http://${admin}/metrics`)).text()
      return Number(/decisions_total\{policy="main",decision="allow"\} (\d+)/.exec(text)?.[1])
    }

    for (let count = 0; count < 60; count++) expect(await ask()).toBe(200)
    const [first, second] = [await decisions(one), await decisions(other)]
    expect(first + second).toBe(60)
    expect(Math.min(first, second)).toBeGreaterThan(0)

    await one.process.stop()
    for (let count = 0; count < 20; count++) expect(await ask()).toBe(200)
    await other.process.stop()
  }, 60_000)

  test('an admin port beyond this machine is refused', async () => {
    const file = await configFile(benchConfig(issuer.url, {}))
    const { code, stderr } = await runMain(file, '--admin', '0.0.0.0:4101')
    expect(code).toBe(1)
    expect(stderr).toContain('--admin:0:0: admin.tcp: must be a loopback address')
    for (const address of ['127.0.0.1', '4101', 'localhost:', '127.0.0.1:99999']) {
      const refused = await runMain(file, '--admin', address)
      expect(refused.code, address).toBe(1)
      expect(refused.stderr, address).toMatch(/^--admin:0:0: admin\.tcp: is no/)
    }
  })
})
