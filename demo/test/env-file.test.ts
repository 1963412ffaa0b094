import { describe, expect, test } from 'vitest'
import { parseEnvFile, toEnvFile } from '../src/env-file.ts'

describe('env files', () => {
  test('are read as they were written', () => {
    const variables = { URL: 'http://127.0.0.1:4000/demo', SCOPE: 'demo:read', EMPTY: '' }
    expect(parseEnvFile(toEnvFile(variables))).toEqual(variables)
  })

  test.each(['a b', 'a;b', '$(a)', 'a\nB=c', '"a"', "a'b", '`a`'])(
    'do not carry %j, which shells would not take as it is',
    (value) => {
      expect(() => toEnvFile({ NAME: value })).toThrow('NAME')
    },
  )

  test('may hold comments', () => {
    expect(parseEnvFile('# A=b\nC=d=e\n')).toEqual({ C: 'd=e' })
  })
})
