import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../src/servers/process.ts'

/** A repository with one package: a "node" that says which version it is, from a folder, so that nothing is fetched. */
let root = ''
let remove = async () => {}

beforeEach(async () => {
  const folder = await temporaryFolder('install')
  root = folder.path
  remove = folder.remove
  mkdirSync(join(root, 'tools'))
  copyFileSync(join(import.meta.dirname, '..', 'install.mjs'), join(root, 'tools', 'install.mjs'))
  write('package.json', { name: 'a', version: '1.0.0', devDependencies: { node: 'file:fake-node' } })
  write('fake-node/package.json', { name: 'node', version: '26.0.0', bin: { node: 'node.sh' } })
  isNode('v26.0.0')
  const { status, stderr } = spawnSync('npm', ['install', '--package-lock-only', '--offline'], { cwd: root })
  expect(status, String(stderr)).toBe(0)
})

afterEach(() => remove())

function write(file: string, content: object) {
  mkdirSync(join(root, file, '..'), { recursive: true })
  writeFileSync(join(root, file), JSON.stringify(content))
}

function isNode(version: string) {
  writeFileSync(join(root, 'fake-node', 'node.sh'), `#!/bin/sh\necho ${version}\n`)
  chmodSync(join(root, 'fake-node', 'node.sh'), 0o755)
}

/** @returns exit code and output, both streams together */
function install(env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['tools/install.mjs'], { cwd: root, env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

const installation = /^Installing packages \(npm ci\) …\n[\s\S]*Installed in \d+ s\n$/

test('installs what is missing and says so, and then is silent', async () => {
  const first = await install()
  expect(first.output).toMatch(installation)
  expect(first.code).toBe(0)
  expect(existsSync(join(root, 'node_modules', '.bin', 'node'))).toBe(true)
  expect(await install()).toEqual({ code: 0, output: '' })
})

test('installs again when the lock file has changed', async () => {
  await install()
  write('package-lock.json', { ...JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')), name: 'b' })
  expect((await install()).output).toMatch(installation)
})

test('installs again when Node.js is gone', async () => {
  await install()
  rmSync(join(root, 'node_modules', '.bin'), { recursive: true })
  expect((await install()).output).toMatch(installation)
})

test('installs what development needs where NODE_ENV says production', async () => {
  expect((await install({ NODE_ENV: 'production' })).code).toBe(0)
})

test('fails where the Node.js that came is too old, each time anew', async () => {
  isNode('v24.9.0')
  for (const _ of [1, 2]) {
    const { code, output } = await install()
    expect(output).toContain('npm ci brought no Node.js 26')
    expect(code).toBe(1)
  }
})

test('fails where npm fails, and leaves no lock', async () => {
  write('package-lock.json', {})
  const { code, output } = await install()
  expect(output).toContain('npm ci failed')
  expect(code).toBe(1)
  expect(existsSync(join(root, '.install-lock'))).toBe(false)
})

test('two at once install once', async () => {
  const both = await Promise.all([install(), install()])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect(both.filter(({ output }) => output.includes('Installed in'))).toHaveLength(1)
})

test('does not wait for an installation that was broken off', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  writeFileSync(join(root, '.install-lock'), String(pid))
  expect((await install()).output).toMatch(/Installed in \d+ s\n$/)
})

test('waits for an installation that is under way', async () => {
  writeFileSync(join(root, '.install-lock'), String(process.pid))
  const waiting = install()
  const early = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 1_000, 'waits'))])
  expect(early).toBe('waits')
  rmSync(join(root, '.install-lock'))
  const { code, output } = await waiting
  expect(output).toContain('Waiting for another installation')
  expect(code).toBe(0)
})
