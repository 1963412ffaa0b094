import { expect, test } from 'vitest'
import { createRefusals } from '../../../src/decider/refusals.ts'
import { createRequestFacts } from '../../../src/steps/request-facts.ts'
import { requireRecentAuthentication } from '../../../src/steps/requirements/step-up.ts'

const { refuse } = createRefusals({
  realm: 'main',
  resourceMetadata: undefined,
  schemes: ['Bearer'],
  dpopNonce: undefined,
})
const facts = createRequestFacts({ method: 'GET', uri: '/', headers: [] })
const config = { sender_constraint: 'none' as const, required_scopes: [], conditions: [] }
const now = 1_700_000_000_000

function ask(auth_time: unknown, maxAge = 60) {
  const [requirement] = requireRecentAuthentication({ ...config, max_age: maxAge }, refuse)
  const times = { expiresAt: Number.POSITIVE_INFINITY, holdsUntil: Number.POSITIVE_INFINITY }
  const identity = { issuer: 'test', claims: { auth_time }, revocable: undefined, ...times }
  return [requirement?.isMet(identity, facts, now), requirement?.metUntil?.(identity, now)]
}

test('an authentication is recent to the end of max_age, and not a moment longer', () => {
  expect(ask(now / 1_000 - 60)).toEqual([true, now])
  expect(ask((now - 1) / 1_000 - 60)).toEqual([false, now - 1])
  expect(ask(now / 1_000, 0)).toEqual([true, now])
})

test('one that lies ahead is recent as far as clocks may differ', () => {
  expect(ask(now / 1_000 + 60)[0]).toBe(true)
  expect(ask(now / 1_000 + 61)[0]).toBe(false)
})

test.each([
  ['nothing', undefined],
  ['null', null],
  ['text', String(now / 1_000)],
  ['milliseconds', now],
  ['more than a number holds', Number.POSITIVE_INFINITY],
  ['a time before all time', -1e300],
])('%s is no recent authentication', (_what, authTime) => {
  expect(ask(authTime)).toEqual([false, expect.any(Number)])
})

test('nothing is asked where no age is', () => {
  expect(requireRecentAuthentication(config, refuse)).toEqual([])
})
