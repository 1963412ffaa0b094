import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMasterKeys, generateMasterKey } from '../../src/keys/master-keys.ts'
import { createGrantId, createRefreshTokens } from '../../src/tokens/refresh-token.ts'

const refreshTokens = (...keys: string[]) => createRefreshTokens(createMasterKeys(keys).createMac('refresh tokens'))
const key = generateMasterKey()
const tokens = refreshTokens(key)

describe('a refresh token', () => {
  test('is read by the auth server that made it, and by no other', () => {
    const grantId = createGrantId()
    const { token, hash } = tokens.make('a', grantId)
    expect(token).toMatch(/^pst_rt_[A-Za-z0-9_-]{96}$/)
    expect(tokens.read('a', token)).toEqual({ grantId, hash })
    expect(tokens.read('b', token)).toBeUndefined()
  })

  test('differs each time', () => {
    const grantId = createGrantId()
    const made = Array.from({ length: 100 }, () => tokens.make('a', grantId))
    expect(new Set(made.map(({ token }) => token)).size).toBe(100)
    expect(new Set(made.map(({ hash }) => hash.toString('hex'))).size).toBe(100)
  })

  test('is good as long as its master key is in the list', () => {
    const { token } = tokens.make('a', createGrantId())
    const newer = generateMasterKey()
    expect(refreshTokens(newer, key).read('a', token)).toBeDefined()
    expect(refreshTokens(newer).read('a', token)).toBeUndefined()
    expect(tokens.read('a', refreshTokens(newer, key).make('a', createGrantId()).token)).toBeUndefined()
  })

  test('cannot be made of what was made for another purpose', () => {
    const { token } = createRefreshTokens(createMasterKeys([key]).createMac('DPoP nonces')).make('a', createGrantId())
    expect(tokens.read('a', token)).toBeUndefined()
  })

  test('has one spelling: no other text reads', () => {
    const { token } = tokens.make('a', createGrantId())
    fc.assert(
      fc.property(fc.nat({ max: token.length - 1 }), fc.string({ maxLength: 3 }), (index, text) => {
        const changed = token.slice(0, index) + text + token.slice(index + 1)
        fc.pre(changed !== token)
        expect(tokens.read('a', changed)).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
    fc.assert(fc.property(fc.string(), (text) => tokens.read('a', text) === undefined))
  })
})
