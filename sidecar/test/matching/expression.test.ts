import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileExpression, ExpressionError } from '../../src/matching/expression.ts'

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
    "now - timestamp('2020-01-01T00:00:00Z') > duration('1h')",
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
    ['now > timestamp(0) + duration(claims.wait)', "duration('1h')"],
    ["now > timestamp(0) + duration(claims.wait + '1h')", "duration('1h')"],
    ['', 'EOF'],
  ])('%s: %s', (text, reason) => {
    expect(() => compileExpression(text)).toThrow(reason)
  })
})

describe('any expression', () => {
  const atoms = fc.constantFrom(
    ...['claims', 'claims.a', 'claims.b.c', 'claims.?a', "claims['__proto__']", 'claims.constructor', 'issuer', 'now'],
    ...[
      'request.method',
      'request.query.q',
      "request.headers['x']",
      'request.query',
      '1',
      '-1',
      '1.5',
      "'a'",
      "''",
      'true',
    ],
    ...['null', '[]', '[1, claims.a]', "{'a': claims}", "timestamp('2020-01-01T00:00:00Z')", "duration('1h')", 'x'],
  )
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 4 },
      atoms,
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom('==', '!=', '<', '&&', '||', '+', '-', '*', '/', '%', 'in'),
          tie('expression'),
        )
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
      fc.tuple(fc.constantFrom('!', '-'), tie('expression')).map(([sign, inner]) => `${sign}${inner}`),
      fc
        .tuple(
          fc.constantFrom('size', 'int', 'string', 'has', 'type', 'timestamp', 'duration', 'dyn', 'bool'),
          tie('expression'),
        )
        .map(([name, inner]) => `${name}(${inner})`),
      fc
        .tuple(tie('expression'), fc.constantFrom('exists', 'all', 'map', 'filter', 'exists_one'), tie('expression'))
        .map(([list, macro, inner]) => `${list}.${macro}(x, ${inner})`),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom('startsWith', 'contains', 'split', 'matches', 'indexOf'),
          tie('expression'),
        )
        .map(([text, method, inner]) => `${text}.${method}(${inner})`),
      fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    ),
  }))
  const claimsOf = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const requestOf = fc.record({
    method: fc.constantFrom('GET', 'DELETE'),
    query: fc.dictionary(fc.constantFrom('q', 'r'), fc.array(fc.string(), { maxLength: 3 })),
    headers: fc.dictionary(fc.constantFrom('x', 'y'), fc.string()),
  })

  test('is none, or is true or false of whatever it is asked about, and changes nothing of that', () => {
    let compiled = 0
    fc.assert(
      fc.property(expression, claimsOf, requestOf, (text, claims, request) => {
        const before = JSON.stringify([claims, request])
        try {
          const { holds: isMet, variables } = compileExpression(text)
          compiled += 1
          const all = { claims, request, issuer: 'company', now: new Date(0) }
          const named = Object.fromEntries(variables.map((name) => [name, all[name]]))
          const answer = isMet(named)
          expect(answer).toBeTypeOf('boolean')
          // It depends on nothing but what it names.
          expect(isMet(all)).toBe(answer)
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError)
        }
        expect(JSON.stringify([claims, request])).toBe(before)
      }),
      { numRuns: 3_000 },
    )
    expect(compiled).toBeGreaterThan(100)
  })

  test('that is no text of CEL at all is none', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          compileExpression(text).holds(bindings)
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})
