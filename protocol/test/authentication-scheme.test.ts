import { describe, expect, test } from 'vitest'
import { credentialsOf, formatChallenge, isToken68, parseToken } from '../src/authentication-scheme.ts'

describe('parseToken', () => {
  test('tells the scheme from others that begin or end like it', () => {
    expect(parseToken('dpop', 'DPoP abc')).toEqual({ token: 'abc' })
    for (const value of ['DPoPabc', 'DPo', 'DPo abc', 'xDPoP abc', 'Bearer abc', '']) {
      expect(parseToken('dpop', value), value).toBe('none')
    }
    for (const value of ['DPoP', 'DPoP ', 'DPoP  a', 'DPoP a b', 'DPoP a, DPoP b']) {
      expect(parseToken('dpop', value), value).toBe('malformed')
    }
  })
})

describe('credentialsOf', () => {
  test('is what follows the scheme, whatever it is', () => {
    expect(credentialsOf('bearer', 'bEARER a"b, c')).toBe('a"b, c')
    expect(credentialsOf('bearer', 'Bearer')).toBe('')
    for (const value of ['Bearera', 'Beare', 'Bearer: a', 'DPoP a'])
      expect(credentialsOf('bearer', value)).toBeUndefined()
  })

  test('another separator than a space is no part of a token', () => {
    for (const separator of ['\t', '\u00a0', '\n']) {
      expect(isToken68(credentialsOf('bearer', `Bearer${separator}abc`) ?? 'abc')).toBe(false)
    }
  })
})

describe('formatChallenge', () => {
  test('holds what is given', () => {
    expect(formatChallenge('DPoP', {})).toBe('DPoP')
    expect(formatChallenge('DPoP', { realm: undefined, error: 'a"b', algs: 'x y' })).toBe(
      'DPoP error="a\\"b", algs="x y"',
    )
  })
})
