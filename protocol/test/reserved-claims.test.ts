import { expect, test } from 'vitest'
import { isReservedClaim } from '../src/reserved-claims.ts'

test.each(['iss', 'sub', 'exp', 'scope', 'act', 'cnf', 'active', 'nonce', 'grant_id'])('%s is reserved', (name) => {
  expect(isReservedClaim(name)).toBe(true)
  expect(isReservedClaim(name.toUpperCase())).toBe(true)
})

test.each(['role', 'https://example.com/sub', 'subject', 'sub ', 'constructor', '__proto__', ''])(
  '"%s" is not',
  (name) => {
    expect(isReservedClaim(name)).toBe(false)
  },
)
