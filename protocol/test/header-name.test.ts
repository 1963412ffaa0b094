import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalHeaderName, isHeaderName, spellingsOf } from '../src/header-name.ts'

describe('spellingsOf', () => {
  test.each(['X-User', 'x-user', 'X_USER', 'x_user', 'X.User', 'x~user', "x'user"])('knows %s', (name) => {
    expect(spellingsOf(['X-User'])(name)).toBe(true)
  })

  test.each(['x-user-id', 'xuser', 'x--user', 'user', ''])('does not take %j for another', (name) => {
    expect(spellingsOf(['x-user'])(name)).toBe(false)
  })

  test('knows whatever a CGI upstream would see as the same variable', () => {
    const cgi = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
    const name = fc.string({ unit: fc.constantFrom(...'aA1-_.~'), minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(spellingsOf([one])(other)).toBe(cgi(one) === cgi(other))
      }),
    )
  })
})

test('canonicalHeaderName is canonical', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      expect(canonicalHeaderName(canonicalHeaderName(name))).toBe(canonicalHeaderName(name))
    }),
  )
})

describe('isHeaderName', () => {
  test.each(['x-user', 'X_User', 'a.b', "!#$%&'*+-.^_`|~09azAZ"])('%s', (name) => expect(isHeaderName(name)).toBe(true))
  test.each(['', 'a b', 'a:b', 'a\r\nb', 'ä', '(a)', 'a/b', '"a"'])('not %j', (name) =>
    expect(isHeaderName(name)).toBe(false),
  )
})
