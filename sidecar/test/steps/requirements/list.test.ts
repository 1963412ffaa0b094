/** Each requirement by itself; what becomes of them in a policy is in test/decider/rules.test.ts. */
import type { Deny } from '@postern/protocol/decision'
import { describe, expect, test } from 'vitest'
import type { RequirementsConfig } from '../../../src/config/schema/requirements.ts'
import { createRequestFacts } from '../../../src/steps/request-facts.ts'
import { createRequirements } from '../../../src/steps/requirements/list.ts'
import type { Refuse } from '../../../src/steps/requirements/requirement.ts'

const refuse: Refuse = (error, error_description): Deny => ({
  decision: 'deny',
  status: 403,
  headers: {},
  body: { error, error_description },
})
const now = 1_000_000_000

function only(config: Partial<RequirementsConfig>) {
  const none: RequirementsConfig = { sender_constraint: 'none', required_scopes: [], conditions: [] }
  const [requirement, ...others] = createRequirements({ ...none, ...config }, refuse)
  if (!requirement || others.length > 0) throw new Error('not one requirement')
  return {
    ofToken: requirement.ofToken,
    error: requirement.refusal.body.error,
    isMet(claims: Record<string, unknown>, method = 'GET') {
      const request = createRequestFacts({ method, uri: '/', headers: [] })
      const times = { revocable: undefined, expiresAt: Number.POSITIVE_INFINITY, holdsUntil: Number.POSITIVE_INFINITY }
      return requirement.isMet({ issuer: 'company', claims, ...times }, request, now)
    },
  }
}

const condition = (expression: string) => only({ conditions: [{ expression }] })

describe('a condition', () => {
  test.each([
    ["claims.a == 'b'", true],
    ["issuer == 'company'", true],
    ["request.method == 'GET'", false],
    ["claims.a == 'b' || request.method == 'GET'", false],
    ["now > timestamp('2000-01-01T00:00:00Z')", false],
    ["claims.a == 'b' && now > timestamp('2000-01-01T00:00:00Z')", false],
    ['true', true],
  ])('is asked once for each token where it depends on nothing else: %s', (expression, ofToken) => {
    expect(condition(expression).ofToken).toBe(ofToken)
  })

  test('sees claims, issuer, request and the time', () => {
    expect(condition("claims.a == 'b' && issuer == 'company'").isMet({ a: 'b' })).toBe(true)
    expect(condition("claims.a == 'b'").isMet({ a: 'c' })).toBe(false)
    expect(condition("request.method == 'GET'").isMet({}, 'POST')).toBe(false)
    expect(condition("now == timestamp('1970-01-12T13:46:40Z')").isMet({})).toBe(true)
  })
})

describe('scopes', () => {
  test('all of some', () => {
    const { isMet, ofToken, error } = only({ required_scopes: ['a', 'b'] })
    expect(isMet({ scope: 'b c a' })).toBe(true)
    for (const scope of ['a', 'b', 'ab', '', undefined, ['a', 'b'], 'a  b', 'a b"']) {
      expect(isMet({ scope }), String(scope)).toBe(false)
    }
    expect([ofToken, error]).toEqual([true, 'insufficient_scope'])
  })

  test('one of some', () => {
    const { isMet, ofToken } = only({ any_scope: ['a', 'b'] })
    for (const scope of ['a', 'c b']) expect(isMet({ scope }), scope).toBe(true)
    for (const scope of ['c', 'ab', '', undefined, ['a'], 'a  b']) expect(isMet({ scope }), String(scope)).toBe(false)
    expect(ofToken).toBe(true)
  })
})

describe('step-up', () => {
  test('how', () => {
    const { isMet, ofToken, error } = only({ acr_values: ['gold', 'silver'] })
    for (const acr of ['gold', 'silver']) expect(isMet({ acr }), acr).toBe(true)
    for (const acr of ['bronze', 'gold silver', '', undefined, ['gold']]) expect(isMet({ acr })).toBe(false)
    expect([ofToken, error]).toEqual([true, 'insufficient_user_authentication'])
  })

  test('how lately, to the second', () => {
    const { isMet, ofToken } = only({ max_age: 60 })
    const seconds = now / 1_000
    for (const ago of [60, 0, -60]) expect(isMet({ auth_time: seconds - ago }), String(ago)).toBe(true)
    for (const ago of [61, 60.001, -60.001, -61]) expect(isMet({ auth_time: seconds - ago }), String(ago)).toBe(false)
    for (const time of [now, String(seconds), null, undefined]) expect(isMet({ auth_time: time })).toBe(false)
    expect(ofToken).toBe(false)
  })
})

describe('a sender constraint', () => {
  const thumbprint = 'a'.repeat(43)
  const key = { cnf: { jkt: thumbprint } }
  const certificate = { cnf: { 'x5t#S256': thumbprint } }
  const both = { cnf: { ...key.cnf, ...certificate.cnf } }

  test.each([
    ['dpop', [true, false, true, false]],
    ['mtls', [false, true, true, false]],
    ['any', [true, true, true, false]],
  ] as const)('%s', (wanted, met) => {
    const { isMet, ofToken, error } = only({ sender_constraint: wanted })
    expect([key, certificate, both, {}].map((claims) => isMet(claims))).toEqual(met)
    expect([ofToken, error]).toEqual([true, 'invalid_token'])
  })
})
