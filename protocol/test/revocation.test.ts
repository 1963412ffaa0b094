import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRevokedTokens, type RevocableClaims, type Revocation, revocationKinds } from '../src/revocation.ts'

const expiresAt = 2_000
const claims = { jti: 'j', grant_id: 'g', client_id: 'c', sub: 's', iat: 100, kid: 'k' }

const covering: Revocation[] = [
  { kind: 'token', value: 'j', expiresAt },
  { kind: 'grant', value: 'g', expiresAt },
  { kind: 'client', value: 'c', notBefore: 100, expiresAt },
  { kind: 'subject', value: 's', notBefore: 100, expiresAt },
  { kind: 'key', value: 'k', expiresAt },
]

describe('a token', () => {
  test.each(covering)('is revoked by $kind', (revocation) => {
    const tokens = createRevokedTokens()
    expect(tokens.cover(claims)).toBe(false)
    expect(tokens.add(revocation)).toBe(false)
    expect(tokens.cover(claims)).toBe(true)
    expect(tokens.size).toBe(1)
  })

  test.each(revocationKinds)('is not revoked by another %s, nor by what is another kind of thing', (kind) => {
    const tokens = createRevokedTokens()
    for (const value of ['j', 'g', 'c', 's', 'k', '', 'constructor', '__proto__']) {
      if (!covering.some((one) => one.kind === kind && one.value === value)) {
        tokens.add({ kind, value, notBefore: 1_000, expiresAt })
      }
    }
    expect(tokens.cover(claims)).toBe(false)
  })

  test.each(['client', 'subject'] as const)('of a revoked %s: if it was issued in that second or before', (kind) => {
    const tokens = createRevokedTokens()
    tokens.add({ kind, value: kind === 'client' ? 'c' : 's', notBefore: 100, expiresAt })
    const covered = (iat: number | undefined) => tokens.cover({ ...claims, iat })
    expect([99, 100, 101].map(covered)).toEqual([true, true, false])
    // It may have been: then it is.
    expect(covered(undefined)).toBe(true)
  })

  test('that names nothing is revoked by nothing', () => {
    const tokens = createRevokedTokens()
    for (const revocation of covering) tokens.add(revocation)
    expect(tokens.cover({})).toBe(false)
  })
})

describe('two revocations of the same', () => {
  test('reach as far as both, in either order', () => {
    const wide: Revocation = { kind: 'client', value: 'c', notBefore: 100, expiresAt: 50 }
    const long: Revocation = { kind: 'client', value: 'c', notBefore: 90, expiresAt: 500 }
    for (const order of [
      [wide, long],
      [long, wide],
    ]) {
      const tokens = createRevokedTokens()
      expect(order.map((revocation) => tokens.add(revocation))).toEqual([false, true])
      tokens.forgetExpired(499)
      expect(tokens.cover(claims)).toBe(true)
      expect(tokens.size).toBe(1)
    }
  })

  test('without a cut-off reach all, whatever the other says', () => {
    const tokens = createRevokedTokens()
    tokens.add({ kind: 'client', value: 'c', expiresAt })
    tokens.add({ kind: 'client', value: 'c', notBefore: 1, expiresAt })
    expect(tokens.cover(claims)).toBe(true)
  })
})

test('what has expired is forgotten, and nothing else', () => {
  const tokens = createRevokedTokens()
  for (const revocation of covering) tokens.add(revocation)
  tokens.forgetExpired(expiresAt)
  expect(tokens.size).toBe(5)
  tokens.forgetExpired(expiresAt + 1)
  expect(tokens.size).toBe(0)
  expect(tokens.cover(claims)).toBe(false)
})

test('whatever was added, in whatever order: a token is revoked if and only if one revocation is about it', () => {
  const value = fc.constantFrom('a', 'b')
  const time = fc.integer({ min: 0, max: 5 })
  const revocation = fc.record({ kind: fc.constantFrom(...revocationKinds), value, notBefore: time }).map(
    ({ kind, value, notBefore }): Revocation => ({
      kind,
      value,
      ...((kind === 'client' || kind === 'subject') && { notBefore }),
      expiresAt,
    }),
  )
  const token: fc.Arbitrary<RevocableClaims> = fc.record(
    { jti: value, grant_id: value, client_id: value, sub: value, iat: time, kid: value },
    { requiredKeys: [] },
  )
  const names = { token: 'jti', grant: 'grant_id', client: 'client_id', subject: 'sub', key: 'kid' } as const
  fc.assert(
    fc.property(fc.array(revocation, { maxLength: 6 }), token, (revocations, claims) => {
      const tokens = createRevokedTokens()
      for (const one of revocations) tokens.add(one)
      const about = ({ kind, value, notBefore = 9 }: Revocation) =>
        claims[names[kind]] === value && (claims.iat ?? 0) <= notBefore
      expect(tokens.cover(claims)).toBe(revocations.some(about))
    }),
  )
})
