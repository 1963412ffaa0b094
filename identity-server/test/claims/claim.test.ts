import { isReservedClaim } from '@postern/protocol/reserved-claims'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ClaimDefinition, claimNameProblem, compileClaim } from '../../src/claims/claim.ts'
import { compileClaimSet } from '../../src/claims/claim-set.ts'
import { evaluateClaims } from '../../src/claims/evaluate.ts'
import { context } from './context.ts'

const claim = (members: Partial<ClaimDefinition>): ClaimDefinition => ({
  name: 'role',
  value: 'x',
  condition: null,
  placements: ['access_token'],
  optional: false,
  ...members,
})
const noSources = new Map()
const requestSource = new Map([['plan', { variables: new Set(['request']) }]])

describe('names', () => {
  test.each(['role', 'https://acme.example/roles', 'urn:x', 'a.b', 'Sub-Role', 'email', 'hasOwnProperty', 'toString'])(
    '%s may be given',
    (name) => {
      expect(claimNameProblem(name)).toBeUndefined()
    },
  )

  test.each([
    ...['sub', 'SUB', 'Iss', 'exp', 'scope', 'client_id', 'act', 'cnf', 'active', 'events', 'grant_id'],
    ...['__proto__', 'constructor', 'prototype', '', ' sub', 'sub ', 'sub\0', 'ѕub', 'a"b', 'a\\b', 'ro le', 'röle'],
  ])('%j may not', (name) => {
    expect(claimNameProblem(name)).toBeTypeOf('string')
    expect(() => compileClaim(claim({ name }), noSources)).toThrow(
      expect.objectContaining({ code: 'name_not_allowed', where: 'name' }),
    )
  })

  test('no definition, whatever its name and value, makes a reserved claim', async () => {
    const names = fc.oneof(fc.constantFrom('sub', 'ISS', '__proto__', 'constructor', 'act', 'aud', 'exp'), fc.string())
    const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant('${{"sub": "root", "iss": subject}}'))
    await fc.assert(
      fc.asyncProperty(names, values, async (name, value) => {
        const set = compileClaimSet([claim({ name, value })], [])
        const made = await Promise.resolve()
          .then(() => evaluateClaims(set.claims.access_token, set.sources, context))
          .catch(() => ({ claims: {} }))
        expect(Object.keys(made.claims).filter(isReservedClaim)).toEqual([])
        expect(Object.getPrototypeOf(made.claims)).toBe(Object.prototype)
        expect(Object.hasOwn(made.claims, '__proto__')).toBe(false)
      }),
    )
  })
})

describe('what is refused when a claim is compiled', () => {
  test.each<[what: string, members: Partial<ClaimDefinition>, error: object]>([
    ['a value', { value: { a: '${nobody}' } }, { code: 'unknown_variable', where: 'value/a', position: 2 }],
    ['a condition', { condition: 'nobody' }, { code: 'unknown_variable', where: 'condition', position: 0 }],
    ['a condition that is no boolean', { condition: 'client.id + "x"' }, { code: 'not_boolean', where: 'condition' }],
    ['an unknown source', { value: '${attributes.plan}' }, { code: 'no_such_source', where: 'value' }],
    ['an unknown source', { condition: 'attributes.plan.a' }, { code: 'no_such_source', where: 'condition' }],
    [
      'the request, where introspection makes the claim',
      { value: '${request.resource}', placements: ['introspection'] },
      { code: 'only_at_issuance', where: 'value' },
    ],
    [
      'the subject token, where userinfo makes the claim',
      { condition: 'subject_token == null', placements: ['access_token', 'userinfo'] },
      { code: 'only_at_issuance', where: 'condition' },
    ],
  ])('%s', (_what, members, error) => {
    expect(() => compileClaim(claim(members), noSources)).toThrow(expect.objectContaining(error))
  })

  test('a source that depends on the request, where introspection makes the claim', () => {
    const definition = claim({ value: '${attributes.plan}', placements: ['introspection'] })
    expect(() => compileClaim(definition, requestSource)).toThrow(expect.objectContaining({ code: 'only_at_issuance' }))
    expect(compileClaim({ ...definition, placements: ['access_token'] }, requestSource).valueSources).toEqual(['plan'])
  })

  test('the request may be named where introspection repeats what the token holds', () => {
    const definition = claim({ value: '${request.resource}', placements: ['access_token', 'introspection'] })
    expect(compileClaim(definition, noSources).name).toBe('role')
  })
})
