import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { Decision, DecisionQuery } from '../src/decision.ts'

const allow = { decision: 'allow', remove_headers: ['authorization'], set_headers: { 'x-user': 'a' }, expires_at: 1 }
const deny = { decision: 'deny', status: 401, headers: {}, body: { error: 'invalid_token', error_description: 'no' } }

describe('Decision', () => {
  test('is one of three', () => {
    for (const decision of [allow, deny, { ...deny, decision: 'unavailable', status: 503 }]) {
      expect(Value.Check(Decision, decision)).toBe(true)
    }
  })

  test.each<[what: string, value: unknown]>([
    ['another word', { ...allow, decision: 'ALLOW' }],
    ['an allow without its end', { ...allow, expires_at: undefined }],
    ['an allow without the headers to remove', { ...allow, remove_headers: undefined }],
    ['a refusal that looks like success', { ...deny, status: 200 }],
    ['a redirect', { ...deny, status: 302 }],
    ['nothing', {}],
  ])('is not %s', (_what, value) => {
    expect(Value.Check(Decision, JSON.parse(JSON.stringify(value)))).toBe(false)
  })
})

describe('DecisionQuery', () => {
  const request = { method: 'GET', uri: '/', headers: ['a', 'b'] }

  test('names a policy and a request', () => {
    expect(Value.Check(DecisionQuery, { policy: 'main', request })).toBe(true)
  })

  test.each<[what: string, value: unknown]>([
    ['no policy', { request }],
    ['an empty policy', { policy: '', request }],
    ['more than that', { policy: 'main', request, trusted: true }],
    ['headers in a map', { policy: 'main', request: { ...request, headers: { a: 'b' } } }],
    ['a request without a target', { policy: 'main', request: { ...request, uri: '' } }],
  ])('does not hold %s', (_what, value) => {
    expect(Value.Check(DecisionQuery, value)).toBe(false)
  })
})
