import { describe, expect, test } from 'vitest'
import { formatChallenge, parseToken } from '../src/authentication-scheme.ts'

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

describe('formatChallenge', () => {
  test('holds what is given', () => {
    expect(formatChallenge('DPoP', {})).toBe('DPoP')
    expect(formatChallenge('DPoP', { realm: undefined, error: 'a"b', algs: 'x y' })).toBe(
      'DPoP error="a\\"b", algs="x y"',
    )
  })
})
