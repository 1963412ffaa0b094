import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatScope, isScopeToken, missingScopes, parseScope } from '../src/scope.ts'

/** Characters of `scope-token` (RFC 6749 section 3.3). */
const characters = Array.from({ length: 0x5e }, (_, index) => String.fromCharCode(0x21 + index)).filter(
  (c) => c !== '"' && c !== '\\',
)
const scopeToken = fc.string({ unit: fc.constantFrom(...characters), minLength: 1 })

describe('parseScope', () => {
  test('reads what formatScope writes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(scopeToken), (scopes) => {
        expect(parseScope(formatScope(scopes))).toEqual(scopes)
      }),
    )
  })

  test('names a repeated scope once', () => {
    expect(parseScope('a b a')).toEqual(['a', 'b'])
  })

  test.each([' ', 'a  b', ' a', 'a ', 'a\tb', 'a\nb', 'a"b', 'a\\b', 'é', 'a\u0000', 'a\u00a0b', 'a,b "c"'])(
    'refuses %j',
    (text) => {
      expect(parseScope(text)).toBeUndefined()
    },
  )

  test('takes any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const scopes = parseScope(text)
        expect(scopes === undefined || scopes.every(isScopeToken)).toBe(true)
      }),
    )
  })
})

describe('missingScopes', () => {
  test('compares whole scopes, by case', () => {
    expect(missingScopes(['read', 'Write'], ['read:all', 'read', 'write'])).toEqual(['Write'])
    expect(missingScopes([], [])).toEqual([])
  })
})
