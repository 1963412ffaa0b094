import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readMasterKeyFile } from '../../src/keys/master-key-file.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder('master-key-file')
})
afterEach(() => folder.remove())

test('a key is made once, readable for its user only, and read again later', async () => {
  const keys = await readMasterKeyFile(folder.path)
  expect(keys).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
  expect(await readMasterKeyFile(folder.path)).toEqual(keys)
  expect((await stat(join(folder.path, 'master-keys'))).mode & 0o777).toBe(0o600)
})

test('a file that a crash left empty is filled', async () => {
  await writeFile(join(folder.path, 'master-keys'), '')
  const keys = await readMasterKeyFile(folder.path)
  expect(keys).toHaveLength(1)
  expect(await readMasterKeyFile(folder.path)).toEqual(keys)
})

test('several keys are read in their order', async () => {
  await writeFile(join(folder.path, 'master-keys'), 'first\nsecond\n')
  expect(await readMasterKeyFile(folder.path)).toEqual(['first', 'second'])
})

test('a file that cannot be read is no reason to make a new key', async () => {
  await expect(readMasterKeyFile(join(folder.path, 'missing', 'folder'))).rejects.toThrow('ENOENT')
  await expect(readMasterKeyFile('/dev/null')).rejects.toThrow('ENOTDIR')
})
