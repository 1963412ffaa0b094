import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCertificateAuthority } from '@postern/tools/certificates'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCaFile } from '../../src/outgoing/ca-file.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let pem: string

beforeAll(async () => {
  folder = await temporaryFolder('ca-file')
  const authority = await createCertificateAuthority()
  pem = authority.cert
  await authority.remove()
})
afterAll(() => folder.remove())

async function read(content: string) {
  const path = join(folder.path, 'ca.pem')
  await writeFile(path, content)
  return readCaFile(path)
}

test('a file may hold several certificates, and text around them', async () => {
  expect(await read(pem)).toEqual([pem])
  expect(await read(`first\n${pem}\nsecond\n${pem}`)).toEqual([pem, pem])
})

test.each([
  ['nothing', () => ''],
  ['no certificate', () => 'hello'],
  ['a key', () => pem.replaceAll('CERTIFICATE', 'PRIVATE KEY')],
  ['a broken certificate', () => pem.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAA')],
  ['a broken one beside a good one', () => pem + pem.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAA')],
])('%s is refused', async (_what, content) => {
  await expect(read(content())).rejects.toThrow('POSTERN_OUTGOING_CA_FILE')
})

test('so is a file that there is not', async () => {
  await expect(readCaFile(join(folder.path, 'missing'))).rejects.toThrow('POSTERN_OUTGOING_CA_FILE')
})
