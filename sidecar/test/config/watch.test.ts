import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FileWatch, fingerprint, watchFile } from '../../src/config/watch.ts'

const everyMs = 20

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let watch: FileWatch | undefined
let changes = 0

beforeEach(async () => {
  folder = await temporaryFolder('watch')
  changes = 0
})
afterEach(async () => {
  watch?.close()
  await folder.remove()
})

async function watchThe(file: string): Promise<void> {
  watch = watchFile(
    file,
    () => {
      changes += 1
    },
    { everyMs },
  )
  await delay(everyMs * 3)
}

const changed = (times: number) => expect.poll(() => changes, { interval: 10, timeout: 3_000 }).toBe(times)

test('a file that is written, or replaced as editors do, is noticed once each time', async () => {
  const file = join(folder.path, 'a.yaml')
  await writeFile(file, 'one')
  await watchThe(file)
  await writeFile(file, 'two')
  await changed(1)
  await writeFile(`${file}.new`, 'three')
  await rename(`${file}.new`, file)
  await changed(2)
  await delay(everyMs * 6)
  expect(changes).toBe(2)
})

test('another target behind a symbolic link, as Kubernetes does, is noticed', async () => {
  for (const version of ['1', '2']) {
    await mkdir(join(folder.path, version))
    await writeFile(join(folder.path, version, 'a.yaml'), 'same size')
  }
  await symlink('1', join(folder.path, '..data'))
  await symlink('..data/a.yaml', join(folder.path, 'a.yaml'))
  await watchThe(join(folder.path, 'a.yaml'))
  await symlink('2', join(folder.path, '..new'))
  await rename(join(folder.path, '..new'), join(folder.path, '..data'))
  await changed(1)
})

test('a file is not told of while it is being written, nor a second one too early', async () => {
  const file = join(folder.path, 'a.yaml')
  await writeFile(file, '')
  await watchThe(file)
  for (let times = 0; times < 40; times++) {
    await writeFile(file, 'x'.repeat(times))
    await delay(everyMs / 4)
  }
  expect(changes).toBeLessThan(3)
  await expect.poll(() => changes).toBeGreaterThan(0)
})

test('a file that goes and comes back is noticed', async () => {
  const file = join(folder.path, 'a.yaml')
  await writeFile(file, 'one')
  await watchThe(file)
  await rm(file)
  await changed(1)
  await writeFile(file, 'one')
  await changed(2)
})

test('a change between reading the file and the first look at it is noticed', async () => {
  const file = join(folder.path, 'a.yaml')
  await writeFile(file, 'one')
  const since = await fingerprint(file)
  await writeFile(file, 'two!')
  watch = watchFile(
    file,
    () => {
      changes += 1
    },
    { since, everyMs },
  )
  await changed(1)
  await delay(everyMs * 6)
  expect(changes).toBe(1)
})
