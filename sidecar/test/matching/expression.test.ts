import { describe, expect, test } from 'vitest'
import { compileExpression } from '../../src/matching/expression.ts'

const claims = { level: 3, groups: ['a', 'b'], department: 'sales', email: null, nested: { list: [1] } }
const bindings = { claims, issuer: 'company', now: new Date(1_700_000_000_000) }
const holds = (text: string) => compileExpression(text).holds(bindings)

describe('a condition', () => {
  test.each([
    'claims.level >= 3',
    "'a' in claims.groups",
    "claims.department == 'sales' && issuer == 'company'",
    'claims.nested.list[0] == 1',
    'has(claims.level) && !has(claims.missing)',
    "claims.?missing.orValue('none') == 'none'",
    "claims.groups.exists(group, group.startsWith('a'))",
    "now > timestamp('2020-01-01T00:00:00Z')",
    "true || claims.missing == 'x'",
  ])('holds: %s', (text) => {
    expect(holds(text)).toBe(true)
  })

  test.each([
    'claims.level > 3',
    "claims.missing == 'x'",
    "claims.missing != 'x'",
    'claims.level',
    'claims.email > 1',
    "claims.department.startsWith('x')",
    "claims.toString == ''",
    "claims.constructor != ''",
  ])('does not hold, or cannot be evaluated: %s', (text) => {
    expect(holds(text)).toBe(false)
  })

  test('tells which variables it names', () => {
    expect(compileExpression("claims.a == 'x' && request.method == 'GET'").variables).toEqual(['claims', 'request'])
    expect(compileExpression('[1, 2].exists(n, [now].size() == n)').variables).toEqual(['now'])
  })
})

describe('no condition', () => {
  test.each([
    ['claims.(', 'IDENTIFIER'],
    ['1 + 1', 'yields int'],
    ["'yes'", 'yields string'],
    ['user.name == "a"', 'Unknown variable: user'],
    ["claims.a.matches('(a+)+$')", 'matches is not offered'],
    ["[claims].exists(c, c.name.matches('a'))", 'matches is not offered'],
    ["{'a': claims.b.matches('a')}.a", 'matches is not offered'],
    ["claims.a == 1 ? claims.b.matches('a') : true", 'matches is not offered'],
    ['', 'EOF'],
  ])('%s: %s', (text, reason) => {
    expect(() => compileExpression(text)).toThrow(reason)
  })
})
