import { describe, expect, test } from 'vitest'
import { createOutcomeCache, type Outcome } from '../../src/decider/outcome-cache.ts'

const limits = {
  max_entries: 100_000,
  max_bytes: 1024 * 1024,
  max_age: 300,
  negative_max_entries: 100_000,
  negative_max_age: 5,
}
const now = 1_000_000
const times = { expiresAt: now + 300_000, holdsUntil: now + 300_000 }
const allowed = (headers: Record<string, string>, claims: Record<string, unknown> = {}) => ({
  issuer: 'test',
  revocable: undefined,
  confirmation: undefined,
  inForceAt: 0,
  identity: { issuer: 'test', claims, revocable: undefined, ...times },
  ...times,
  answers: [],
  renewAt: Number.POSITIVE_INFINITY,
  allow: { decision: 'allow' as const, remove_headers: [], set_headers: headers, expires_at: 1_300 },
  upstreamTokens: undefined,
  combined: undefined,
})
const refused: Outcome = {
  refused: { decision: 'deny', status: 401, headers: {}, body: { error: 'invalid_token', error_description: '' } },
  holdsUntil: Number.POSITIVE_INFINITY,
}
const countKept = (cache: ReturnType<typeof createOutcomeCache>, tokens: string[]) =>
  tokens.filter((token) => cache.get(token, now)).length

describe('the bound on bytes', () => {
  const tokens = Array.from({ length: 2_000 }, (_, index) => `${index}`.padStart(1_000, '.'))

  test('counts the identity headers that are kept with a token', () => {
    const cache = createOutcomeCache(limits)
    for (const token of tokens) cache.set(token, allowed({ 'x-subject': 'a'.repeat(4_000) }), now)
    expect(cache.size).toBeGreaterThan(50)
    expect(cache.size * 5_000).toBeLessThanOrEqual(limits.max_bytes)
  })

  test('counts the claims that are asked for again', () => {
    const cache = createOutcomeCache(limits)
    for (const token of tokens) cache.set(token, allowed({}, { groups: ['a'.repeat(2_000), 'b'.repeat(2_000)] }), now)
    expect(cache.size).toBeGreaterThan(50)
    expect(cache.size * 5_000).toBeLessThanOrEqual(limits.max_bytes)
  })

  test('counts the claims that revocations know it by', () => {
    const cache = createOutcomeCache(limits)
    const outcome = { ...allowed({}), revocable: { sub: 'a'.repeat(4_000) } }
    for (const token of tokens) cache.set(token, outcome, now)
    expect(cache.size).toBeGreaterThan(50)
    expect(cache.size * 5_000).toBeLessThanOrEqual(limits.max_bytes)
  })

  test('holds for what is allowed and what is refused together', () => {
    const cache = createOutcomeCache(limits)
    for (const token of tokens) cache.set(`allowed ${token}`, allowed({}), now)
    for (const token of tokens) cache.set(`refused ${token}`, refused, now)
    expect(cache.size).toBeGreaterThan(100)
    expect(cache.size * 2_000).toBeLessThanOrEqual(limits.max_bytes)
  })

  test('lets no refusal displace what is allowed', () => {
    const cache = createOutcomeCache(limits)
    const few = tokens.slice(0, 100).map((token) => `allowed ${token}`)
    for (const token of few) cache.set(token, allowed({}), now)
    for (const token of tokens) cache.set(`refused ${token}`, refused, now)
    expect(countKept(cache, few)).toBe(few.length)
  })
})

test('a clock that is set back prolongs nothing, but by the seconds by which clocks are set all the time', () => {
  const cache = createOutcomeCache(limits)
  cache.set('allowed', allowed({}), now)
  cache.set('refused', refused, now)
  expect(countKept(cache, ['allowed', 'refused'])).toBe(2)
  for (const token of ['allowed', 'refused']) {
    expect(cache.get(token, now - 4_000)).toBeDefined()
    expect(cache.get(token, now - 5_000)).toBeUndefined()
  }
})
