import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Limits, tighten } from '../../src/tenancy/limits.ts'

const names = ['ES256', 'RS256', 'PS256', 'EdDSA']
const limits: fc.Arbitrary<Limits> = fc.record(
  {
    access_token_lifetime: fc.integer({ min: 1, max: 100 }),
    refresh_token_lifetime: fc.integer({ min: 1, max: 100 }),
    signing_algorithms: fc.subarray(names),
    token_endpoint_auth_methods: fc.subarray(names),
    sender_constraint: fc.constantFrom('dpop', 'mtls', 'any'),
  },
  { requiredKeys: [] },
)

/** Whether everything that the inner limits allow is allowed by the outer ones. */
function isWithin(inner: Limits, outer: Limits): boolean {
  const numbers = (['access_token_lifetime', 'refresh_token_lifetime'] as const).every(
    (name) => (inner[name] ?? Number.POSITIVE_INFINITY) <= (outer[name] ?? Number.POSITIVE_INFINITY),
  )
  const lists = (['signing_algorithms', 'token_endpoint_auth_methods'] as const).every(
    (name) => outer[name] === undefined || (inner[name]?.every((value) => outer[name]?.includes(value)) ?? false),
  )
  const required = outer.sender_constraint
  const constraint = required === undefined || required === inner.sender_constraint
  return numbers && lists && (constraint || (required === 'any' && inner.sender_constraint !== undefined))
}

describe('limits of a subtree', () => {
  test('are never looser than those above', () => {
    fc.assert(fc.property(limits, limits, (outer, inner) => isWithin(tighten(outer, inner), outer)))
  })

  test('are as tight as their own, but for a way of binding that the one above excludes', () => {
    const both = fc.property(limits, limits, (outer, inner) => {
      const result = tighten(outer, inner)
      const contradict = inner.sender_constraint !== result.sender_constraint
      expect(isWithin({ ...result, ...(contradict && { sender_constraint: inner.sender_constraint }) }, inner)).toBe(
        true,
      )
    })
    fc.assert(both)
  })

  test('are the own ones where nothing binds from above, and the other way round', () => {
    fc.assert(
      fc.property(limits, (some) => {
        expect(tighten({}, some)).toEqual(some)
        expect(tighten(some, {})).toEqual(some)
        expect(tighten(some, some)).toEqual(some)
      }),
    )
  })

  test('allow nothing where the two lists have nothing in common', () => {
    expect(tighten({ signing_algorithms: ['ES256'] }, { signing_algorithms: ['RS256'] })).toEqual({
      signing_algorithms: [],
    })
  })
})
