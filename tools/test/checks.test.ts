import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

/** Runs a check as its npm script does; what it prints is the failure's message. */
async function check(file: string, ...args: string[]): Promise<string> {
  try {
    await run(process.execPath, [join(root, file), ...args], { cwd: root, maxBuffer: 16 * 1024 * 1024 })
    return ''
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    return `${stdout ?? ''}${stderr ?? ''}` || String(error)
  }
}

test('types', async () => {
  expect(await check('node_modules/typescript/bin/tsc', '--noEmit')).toBe('')
}, 120_000)

test('lint and format', async () => {
  expect(await check('node_modules/@biomejs/biome/bin/biome', 'check', '.')).toBe('')
}, 120_000)

test('import directions', async () => {
  expect(await check('tools/src/imports.ts')).toBe('')
})
