import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planHeaders } from '../../src/steps/headers.ts'

type HeadersPolicy = Parameters<typeof planHeaders>[0]

const policy = (changes: Partial<HeadersPolicy> = {}): HeadersPolicy => ({
  headers: { 'X-Value': 'value' },
  caller_token: 'remove',
  token_from: [{ header: 'authorization' }],
  rules: [],
  conditions: [],
  cors_preflight: 'authenticate',
  ...changes,
})
const identity = (claims: Record<string, unknown>) => ({
  issuer: 'test',
  claims,
  revocable: undefined,
  expiresAt: 0,
  holdsUntil: 0,
})
const headersOf = (claims: Record<string, unknown>, changes?: Partial<HeadersPolicy>) =>
  planHeaders(policy(changes), undefined).identityHeaders(identity(claims))

describe('identityHeaders', () => {
  test.each<[what: string, value: unknown, expected: string]>([
    ['text', 'alice', 'alice'],
    ['a number', 7, '7'],
    ['a boolean', false, 'false'],
    ['a list of texts, spaced', ['a', 'b'], 'a b'],
  ])('carry %s', (_what, value, expected) => {
    expect(headersOf({ value })).toEqual({ 'x-value': expected })
  })

  test.each<[what: string, value: unknown]>([
    ['is missing', undefined],
    ['is null', null],
    ['is an object', { a: 1 }],
    ['is a list of other things', [{ a: 1 }, 'a']],
    ['is a list in which one item reads as two', ['a b', 'c']],
    ['is empty', ''],
    ['has a line break', 'a\r\nx-admin: true'],
    ['has a lone line feed', 'a\nb'],
    ['has a NUL', 'a\u0000b'],
    ['is not ASCII', 'Zoë'],
    ['has a line break in a list', ['a', 'b\r\nc']],
    ['would lose a space at its beginning on the way', ' admin'],
    ['would lose a space at its end on the way', 'admin '],
    ['is a space', ' '],
    ['is too long', 'a'.repeat(5_000)],
  ])('leave a claim out that %s', (_what, value) => {
    expect(headersOf({ value })).toEqual({})
  })

  test('do not reach into the prototype of the claims', () => {
    expect(headersOf({}, { headers: { 'x-value': 'toString', 'x-other': '__proto__' } })).toEqual({})
  })

  test('never hold anything that could break out of a header', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const { 'x-value': header } = headersOf({ value })
        expect(header === undefined || /^[\x20-\x7E]+$/.test(header)).toBe(true)
      }),
    )
  })
})

describe('remove', () => {
  test('names what the policy sets in canonical spelling, and the token', () => {
    expect(planHeaders(policy({ headers: { 'X_Value.Of': 'sub' } }), 'X-Upstream-Token').remove.toSorted()).toEqual([
      'authorization',
      'x-upstream-token',
      'x-value-of',
    ])
  })

  test('names headers that would make another request of what was looked at', () => {
    const method = ['x-http-method', 'x-http-method-override', 'x-method-override']
    const path = ['x-original-url', 'x-rewrite-url']
    const added = (changes: Partial<HeadersPolicy>) =>
      planHeaders(policy(changes), undefined)
        .remove.filter((name) => !['x-value', 'authorization'].includes(name))
        .toSorted()
    const rule = { sender_constraint: 'none' as const, required_scopes: [], conditions: [] }
    const condition = (expression: string) => [{ expression }]
    expect(added({ rules: [{ ...rule, methods: ['POST'] }] })).toEqual(method)
    expect(added({ rules: [{ ...rule, paths: ['/a'] }] })).toEqual(path)
    expect(added({ cors_preflight: 'forward' })).toEqual(method)
    expect(added({ conditions: condition("request.method == 'GET'") })).toEqual([...method, ...path])
    expect(added({ rules: [{ ...rule, conditions: condition("request.path != '/'") }] })).toEqual([...method, ...path])
    expect(added({ rules: [rule], conditions: condition('claims.a == 1') })).toEqual([])
  })

  test('names every header that may hold the token, its proof or its certificate, and the identity token', () => {
    const changes = policy({
      token_from: [{ header: 'X_Token' }, { query: 'access_token' }],
      dpop: { origin_from_gateway: true, max_age: 60, leeway: 5 },
      client_certificate: { from: 'nginx' },
      identity_token: { header: 'X-Identity', issuer: 'a', audience: 'b', claims: [], ttl: 60 },
    })
    expect(planHeaders(changes, undefined).remove.toSorted()).toEqual([
      'authorization',
      'dpop',
      'ssl-client-cert',
      'x-identity',
      'x-token',
      'x-value',
    ])
  })

  test('leaves the token where the policy forwards it', () => {
    expect(planHeaders(policy({ caller_token: 'forward' }), undefined).remove).toEqual(['x-value'])
  })
})
