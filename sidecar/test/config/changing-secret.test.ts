import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@postern/tools/servers/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSecret } from '../../src/config/changing-secret.ts'
import type { SecretSource } from '../../src/config/schema/parts.ts'
import { createReadSecret } from '../../src/config/secret.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  folder = await temporaryFolder('changing-secret')
})

afterAll(() => folder.remove())

/** Every letter is good, but for a comma. */
function parse([text = '', ...others]: readonly string[]): string {
  if (text.includes(',')) throw new Error('has a comma')
  return [text, ...others].join('+')
}

function setUp(sources: SecretSource[], environment: Record<string, string> = {}) {
  let time = 1_000_000
  const problems: unknown[] = []
  const readSecret = createReadSecret(environment)
  const secret = createSecret({
    read: () => sources.map(readSecret),
    parse,
    now: () => time,
    onProblem: (error) => void problems.push(error),
  })
  return {
    secret,
    problems,
    advance: (ms: number) => {
      time += ms
    },
  }
}

describe('a secret that changes', () => {
  test('is seen a second later, and at once where somebody asks for it', () => {
    const file = join(folder.path, 'secret')
    writeFileSync(file, 'old')
    const { secret, advance } = setUp([{ file }])
    writeFileSync(file, 'new')
    expect(secret.current()).toBe('old')
    advance(1_000)
    expect(secret.current()).toBe('new')
    writeFileSync(file, 'newest')
    expect(secret.current()).toBe('new')
    expect(secret.reread()).toBe(true)
    expect(secret.reread()).toBe(false)
    expect(secret.current()).toBe('newest')
  })

  test('is seen where a mounted volume swaps the link to its folder', () => {
    const volume = join(folder.path, 'volume')
    for (const version of ['1', '2']) {
      mkdirSync(join(volume, version), { recursive: true })
      writeFileSync(join(volume, version, 'secret'), `version ${version}`)
    }
    symlinkSync('1', join(volume, '..data'))
    symlinkSync(join('..data', 'secret'), join(volume, 'secret'))
    const { secret, advance } = setUp([{ file: join(volume, 'secret') }])
    expect(secret.current()).toBe('version 1')
    symlinkSync('2', join(volume, '..data_tmp'))
    renameSync(join(volume, '..data_tmp'), join(volume, '..data'))
    advance(1_000)
    expect(secret.current()).toBe('version 2')
  })

  test('is seen after the clock was set back', () => {
    const environment = { SECRET: 'old' }
    const { secret, advance } = setUp([{ env: 'SECRET' }], environment)
    environment.SECRET = 'new'
    advance(-3_600_000)
    expect(secret.current()).toBe('new')
  })

  test('is seen in the environment too', () => {
    const environment = { SECRET: 'old' }
    const { secret, advance } = setUp([{ env: 'SECRET' }], environment)
    environment.SECRET = 'new'
    advance(1_000)
    expect(secret.current()).toBe('new')
  })

  test('serves on while its file is gone, empty or wrong, with one warning until it is good again', () => {
    const file = join(folder.path, 'troubled')
    writeFileSync(file, 'good')
    const { secret, problems, advance } = setUp([{ file }])
    const wrong = [
      () => unlinkSync(file),
      () => writeFileSync(file, ''),
      () => writeFileSync(file, 'a,b'),
      () => writeFileSync(file, 'c,d'),
    ]
    for (const make of wrong) {
      make()
      advance(1_000)
      expect(secret.current()).toBe('good')
      expect(secret.reread()).toBe(false)
    }
    expect(problems).toHaveLength(1)
    expect(String(problems[0])).toContain(file)
    writeFileSync(file, 'better')
    advance(1_000)
    expect(secret.current()).toBe('better')
    rmSync(file)
    advance(1_000)
    expect(secret.current()).toBe('better')
    expect(problems).toHaveLength(2)
  })

  test('of several sources is one: a pair of which half is wrong does not count', () => {
    const [first, second] = [join(folder.path, 'first'), join(folder.path, 'second')]
    writeFileSync(first, '1')
    writeFileSync(second, 'a')
    const { secret, advance } = setUp([{ file: first }, { file: second }])
    writeFileSync(first, ',')
    writeFileSync(second, 'b')
    advance(1_000)
    expect(secret.current()).toBe('1+a')
    writeFileSync(first, '2')
    advance(1_000)
    expect(secret.current()).toBe('2+b')
  })

  test('must be good to begin with', () => {
    expect(() => setUp([{ value: 'a,b' }])).toThrow('comma')
    expect(() => setUp([{ env: 'MISSING' }])).toThrow('MISSING')
  })
})
