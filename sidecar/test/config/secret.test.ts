import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReadSecret } from '../../src/config/secret.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  folder = await temporaryFolder('secret')
})

afterAll(() => folder.remove())

const readSecret = createReadSecret({ SECRET: 'from-environment', EMPTY: '' })

describe('a secret', () => {
  test('is read from the environment, from a file without its last line break, or as it stands', () => {
    const file = join(folder.path, 'secret')
    writeFileSync(file, 'from-file \r\n')
    expect(readSecret({ env: 'SECRET' })).toBe('from-environment')
    expect(readSecret({ file })).toBe('from-file ')
    expect(readSecret({ value: 'as it stands' })).toBe('as it stands')
  })

  test('that is missing or empty names its place', () => {
    const empty = join(folder.path, 'empty')
    writeFileSync(empty, '\n')
    expect(() => readSecret({ env: 'MISSING' })).toThrow('MISSING')
    expect(() => readSecret({ env: 'EMPTY' })).toThrow('EMPTY')
    expect(() => readSecret({ env: 'toString' })).toThrow('toString')
    expect(() => readSecret({ file: empty })).toThrow(empty)
    expect(() => readSecret({ file: join(folder.path, 'gone') })).toThrow('gone')
  })
})
