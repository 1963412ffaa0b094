import { expect, test } from 'vitest'
import { createGatewayClaims } from '../../src/steps/gateway-claims.ts'

const identity = (claims: Record<string, unknown>) => ({
  issuer: 'company',
  claims,
  revocable: undefined,
  expiresAt: Number.POSITIVE_INFINITY,
  holdsUntil: Number.POSITIVE_INFINITY,
})

test('the gateway is told the claims that are named and there, and the issuer as the configuration has it', () => {
  const claimsOf = createGatewayClaims(['sub', 'tenant', 'iss', 'toString'], (name) => `https://id.example/${name}`)
  const claims = { sub: 'alice', tenant: { id: 1 }, secret: 's', iss: 'https://evil.example' }
  expect(claimsOf(identity(claims))).toEqual({ sub: 'alice', tenant: { id: 1 }, iss: 'https://id.example/company' })
  expect(claimsOf(identity({ sub: 'bob' }))).toEqual({ sub: 'bob', iss: 'https://id.example/company' })
})
