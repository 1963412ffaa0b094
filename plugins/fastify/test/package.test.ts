/** The published form of the plugin: packed, unpacked elsewhere, used as an operator would. */
import { execFile, spawn } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))
/** What an installation would fetch from the registry. */
const thirdParties = ['fastify', 'fastify-plugin', 'typebox', 'undici', '@types']

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder('package')
  const modules = join(folder.path, 'node_modules')
  await run(process.execPath, [join(root, 'tools/pack.mjs'), folder.path])
  for (const tarball of (await readdir(folder.path)).filter((name) => name.endsWith('.tgz'))) {
    const target = join(modules, '@postern', /^postern-([a-z]+)-/.exec(tarball)?.[1] ?? '')
    await mkdir(target, { recursive: true })
    await run('tar', ['xzf', join(folder.path, tarball), '-C', target, '--strip-components=1'])
  }
  for (const name of thirdParties) await symlink(join(root, 'node_modules', name), join(modules, name))
}, 120_000)
afterAll(() => folder.remove())

test('the packages hold JavaScript and declarations, and no TypeScript source', async () => {
  for (const name of ['protocol', 'sdk', 'fastify']) {
    const files = await readdir(join(folder.path, 'node_modules/@postern', name), { recursive: true })
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([])
    expect(files).toContain('LICENSE')
    expect(files.filter((file) => file.endsWith('.js')).length).toBeGreaterThan(0)
  }
})

test('a gateway in plain JavaScript runs from them, with type stripping switched off', async () => {
  const sidecar = createServer((request, response) => {
    request.resume().on('end', () => response.end(JSON.stringify(allow)))
  })
  await new Promise<void>((resolve) => sidecar.listen(0, '127.0.0.1', resolve))
  const address = sidecar.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  const file = join(folder.path, 'gateway.mjs')
  await writeFile(file, gateway)
  const child = spawn(process.execPath, ['--no-strip-types', file, `http://127.0.0.1:${address.port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let url = ''
    for await (const chunk of child.stdout) {
      url += String(chunk)
      if (url.endsWith('\n')) break
    }
    const ask = () => fetch(url.trim(), { headers: { x_postern_subject: 'root' } })
    expect(await (await ask()).json()).toEqual({ subject: 'alice', spoofed: null })
    await new Promise((resolve) => {
      sidecar.close(resolve)
      sidecar.closeAllConnections()
    })
    expect((await ask()).status).toBe(503)
  } finally {
    child.kill('SIGKILL')
    sidecar.closeAllConnections()
  }
})

test('the declarations describe it to a TypeScript project', async () => {
  await writeFile(join(folder.path, 'consumer.mts'), consumer)
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--skipLibCheck',
    '--types',
    'node',
  ]
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), ...options, join(folder.path, 'consumer.mts')]
  const { stdout } = await run(process.execPath, tsc, { cwd: folder.path }).catch((error: { stdout: string }) => error)
  expect(stdout).toBe('')
}, 60_000)

const allow = {
  decision: 'allow',
  remove_headers: ['x-postern-subject'],
  set_headers: { 'x-postern-subject': 'alice' },
  expires_at: 4_000_000_000,
}

const gateway = `
import postern from '@postern/fastify'
import fastify from 'fastify'
const app = fastify()
await app.register(postern, { sidecar: { url: process.argv[2] }, policy: 'demo' })
app.get('/', async ({ headers }) => ({
  subject: headers['x-postern-subject'] ?? null,
  spoofed: headers.x_postern_subject ?? null,
}))
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
`

const consumer = `
import postern from '@postern/fastify'
import fastify from 'fastify'
const app = fastify()
app.register(postern, { sidecar: { socketPath: '/run/sidecar.sock', timeoutMs: 500 }, policy: 'demo' })
// @ts-expect-error a policy is a name
app.register(postern, { sidecar: { url: 'http://127.0.0.1:1' }, policy: 1 })
app.get('/', { config: { postern: { policy: 'other' } } }, async (request) => {
  const subject: string | undefined = request.postern?.set_headers['x-postern-subject']
  return subject ?? null
})
// @ts-expect-error a route opts out with false only
app.get('/open', { config: { postern: true } }, async () => 'open')
export {}
`
