import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bearerChallenge, parseBearer } from '../src/bearer.ts'

describe('parseBearer', () => {
  test.each<[value: string, expected: ReturnType<typeof parseBearer>]>([
    ['Bearer abc', { token: 'abc' }],
    ['bearer abc', { token: 'abc' }],
    ['BEARER a-._~+/b==', { token: 'a-._~+/b==' }],
    ['Basic abc', 'none'],
    ['Bearerabc', 'none'],
    ['', 'none'],
    [' Bearer abc', 'none'],
    ['Bearer', 'malformed'],
    ['Bearer ', 'malformed'],
    ['Bearer  abc', 'malformed'],
    ['Bearer\tabc', 'malformed'],
    ['Bearer abc def', 'malformed'],
    ['Bearer abc,', 'malformed'],
    ['Bearer =abc', 'malformed'],
    ['Bearer a=b', 'malformed'],
    ['Bearer äbc', 'malformed'],
    ['Bearer abc\n', 'malformed'],
  ])('%j', (value, expected) => {
    expect(parseBearer(value)).toEqual(expected)
  })

  test('reads every token as it is', () => {
    const characters = [...'abcXYZ0189-._~+/']
    const token = fc.tuple(
      fc.string({ unit: fc.constantFrom(...characters), minLength: 1 }),
      fc.string({ unit: fc.constant('=') }),
    )
    fc.assert(
      fc.property(token, fc.mixedCase(fc.constant('bearer')), ([text, padding], scheme) => {
        expect(parseBearer(`${scheme} ${text}${padding}`)).toEqual({ token: text + padding })
      }),
    )
  })

  test('takes any text, and yields nothing that could break out of a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('Bearer ', 'bearer', ''), (text, scheme) => {
        const parsed = parseBearer(scheme + text)
        if (typeof parsed === 'object') expect(parsed.token).toMatch(/^[\x21-\x7E]+$/)
      }),
    )
  })
})

describe('bearerChallenge', () => {
  test('holds what is given, in the order of RFC 6750', () => {
    expect(bearerChallenge({ realm: 'orders' })).toBe('Bearer realm="orders"')
    expect(bearerChallenge({ realm: 'r', error: 'insufficient_scope', description: 'more', scope: 'a b' })).toBe(
      'Bearer realm="r", error="insufficient_scope", error_description="more", scope="a b"',
    )
  })

  test('stays one header with one realm, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (realm, description) => {
        const challenge = bearerChallenge({ realm, description })
        expect(challenge).toMatch(
          /^Bearer realm="(?:[\x20\x21\x23-\x5B\x5D-\x7E]|\\["\\])*"(?:, error_description="(?:[\x20\x21\x23-\x5B\x5D-\x7E]|\\["\\])*")?$/,
        )
      }),
    )
  })
})
