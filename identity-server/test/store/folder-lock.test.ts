import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFolder } from '../../src/store/folder-lock.ts'

const source = fileURLToPath(new URL('../../src/store/folder-lock.ts', import.meta.url))
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder('lock')
})
afterEach(() => folder.remove())

test('a folder is held by one at a time, until it is given back', () => {
  const unlock = lockFolder(folder.path)
  expect(() => lockFolder(folder.path)).toThrow(`${folder.path} is in use by another process`)
  unlock()
  lockFolder(folder.path)()
})

test('the lock of another process holds, and ends with it, however it ends', async () => {
  const script = `import { lockFolder } from ${JSON.stringify(source)}
    lockFolder(process.argv[1]); console.log('locked'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder.path])
  try {
    await once(child.stdout, 'data')
    expect(() => lockFolder(folder.path)).toThrow('in use')
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  lockFolder(folder.path)()
})
