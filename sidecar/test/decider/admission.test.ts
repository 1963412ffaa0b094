/** How long a decision may be acted on. */
import { expect, test } from 'vitest'
import { createAdmission } from '../../src/decider/admission.ts'
import type { Identity } from '../../src/steps/identity.ts'

const now = 1_700_000_000_000
const seconds = (offset: number) => now / 1_000 + offset

const admission = createAdmission({
  headers: { remove: ['authorization'], identityHeaders: () => ({}) },
  identityTokens: undefined,
  gatewayClaims: undefined,
  removedCookies: new Set(),
  keepsClaims: false,
  maxAgeMs: 300_000,
})
const until = (expiresIn: number, holdsFor: number) => {
  const expiry = { expiresAt: now + expiresIn * 1_000, holdsUntil: now + holdsFor * 1_000 }
  const identity: Identity = { issuer: 'test', claims: {}, revocable: undefined, ...expiry }
  return admission.verified(identity, undefined, now, undefined).allow.expires_at
}

test('as long as it is kept, and long enough to reach the gateway, but never past the expiry of the token', () => {
  expect(until(3_600, 3_600)).toBe(seconds(300))
  expect(until(100, 100)).toBe(seconds(100))
  expect(until(100, 30)).toBe(seconds(30))
  expect(until(100, 0)).toBe(seconds(1))
  expect(until(0.5, 0)).toBe(seconds(0.5))
})

test('within a time of its own, which makes it shorter only, and leaves a decision alone that is short already', () => {
  const allow = { decision: 'allow' as const, remove_headers: [], set_headers: {}, expires_at: seconds(100) }
  expect(admission.within(allow, now + 40_000, now).expires_at).toBe(seconds(40))
  expect(admission.within(allow, now - 1, now).expires_at).toBe(seconds(1))
  expect(admission.within(allow, now + 100_000, now)).toBe(allow)
  expect(admission.within(allow, now + 200_000, now)).toBe(allow)
})

test('a minute without a token', () => {
  expect(admission.anonymous(now)).toMatchObject({ decision: 'allow', expires_at: seconds(60), set_headers: {} })
})
