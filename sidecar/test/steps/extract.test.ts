import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createExtractToken } from '../../src/steps/extract.ts'

const extractToken = (headers: string[]) =>
  createExtractToken([{ header: 'authorization' }])({ method: 'GET', uri: '/', headers })

describe('extractToken', () => {
  test.each<[what: string, headers: string[], expected: ReturnType<typeof extractToken>]>([
    ['a Bearer token', ['Authorization', 'Bearer abc'], { token: 'abc' }],
    ['any case of name and scheme', ['AUTHORIZATION', 'bEaReR abc'], { token: 'abc' }],
    ['headers around it', ['Host', 'a', 'authorization', 'Bearer abc', 'X-B', 'c'], { token: 'abc' }],
    ['no header', ['Host', 'a'], 'none'],
    ['nothing at all', [], 'none'],
    ['another scheme', ['Authorization', 'Basic YTpi'], 'none'],
    ['an empty value', ['Authorization', ''], 'none'],
    ['a scheme without a token', ['Authorization', 'Bearer'], 'malformed'],
    ['two spaces', ['Authorization', 'Bearer  abc'], 'malformed'],
    ['two tokens in one', ['Authorization', 'Bearer abc, Bearer def'], 'malformed'],
    ['signs that no token has', ['Authorization', 'Bearer a"b'], 'malformed'],
    ['the header twice', ['Authorization', 'Bearer abc', 'authorization', 'Bearer def'], 'malformed'],
    ['the same token twice', ['Authorization', 'Bearer abc', 'Authorization', 'Bearer abc'], 'malformed'],
    ['a second header of another scheme', ['Authorization', 'Bearer abc', 'Authorization', 'Basic YTpi'], 'malformed'],
    ['a name that only ends alike', ['Proxy-Authorization', 'Bearer abc'], 'none'],
    ['a value that is no name', ['X-A', 'authorization', 'X-B', 'Bearer abc'], 'none'],
    ['a name without a value', ['Host', 'a', 'Authorization'], 'none'],
  ])('%s', (_what, headers, expected) => {
    expect(extractToken(headers)).toEqual(expected)
  })

  test('answers whatever it is given', () => {
    fc.assert(fc.property(fc.array(fc.string()), (headers) => void extractToken(headers)))
  })
})
