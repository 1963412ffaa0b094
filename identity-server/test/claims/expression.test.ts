import { describe, expect, test } from 'vitest'
import { compileExpression } from '../../src/claims/expression.ts'
import { toJson } from '../../src/claims/result.ts'
import { context } from './context.ts'

const evaluate = (text: string, attributes: Record<string, unknown> = {}) =>
  toJson(compileExpression(text).evaluate({ ...context, attributes }, { left: 50_000 }))

describe('expressions', () => {
  test.each<[text: string, value: unknown]>([
    ['client.id', 'billing'],
    ['client.id + "@" + auth_server.id', 'billing@acme'],
    ['organization.path.map(o, o.name)', ['Root', 'Acme Europe']],
    ['organization.path[0].id', 'root'],
    ['scopes', ['read', 'write']],
    ['"write" in scopes', true],
    ['scopes.filter(s, s.startsWith("w")).map(s, s.upperAscii())', ['WRITE']],
    ['size(scopes)', 2],
    ['grant == "client_credentials" ? "machine" : "user"', 'machine'],
    ['int(now)', 1_767_323_045],
    ['now', '2026-01-02T03:04:05.678Z'],
    ['now + duration("1h")', '2026-01-02T04:04:05.678Z'],
    ['now - timestamp("2026-01-02T03:04:05Z")', '0.678s'],
    ['string(now)', '2026-01-02T03:04:05.678Z'],
    ['now.getHours()', 3],
    ['subject_token.level >= 3', true],
    ['subject_token.level + 1.0', 4],
    ['subject_token.address', { city: 'Oslo' }],
    ['subject_token.?missing.orValue("none")', 'none'],
    ['subject_token.?missing.?deeper.orValue("none")', 'none'],
    ['has(subject_token.missing)', false],
    ['request.resource[0]', 'https://api.example'],
    ['{"a": 1, "b": [true, null, "c"]}', { a: 1, b: [true, null, 'c'] }],
    ['[1, "a", 2.5]', [1, 'a', 2.5]],
    ['b"\\xff"', '/w=='],
    ['9u', 9],
    ['cel.bind(id, client.id, id + id)', 'billingbilling'],
    ['"a,b".split(",")', ['a', 'b']],
    ['attributes.directory.team', 'blue'],
    ['attributes["directory"]["team"]', 'blue'],
    ['attributes.directory.?none.orValue(0)', 0],
  ])('%s', (text, value) => {
    expect(evaluate(text, { directory: { team: 'blue' } })).toEqual(value)
  })

  test.each<[text: string, code: string, position: number]>([
    ['clientt.id', 'unknown_variable', 0],
    ['true && user == "x"', 'unknown_variable', 8],
    ['client.nme', 'no_such_member', 0],
    ['client["nme"]', 'no_such_member', 0],
    ['organization.parent', 'no_such_member', 0],
    ['attributes', 'attributes_without_source', 0],
    ['attributes[client.id]', 'attributes_without_source', 0],
    ['scopes.map(attributes, 1)', 'shadowed_variable', 11],
    ['scopes.exists(client, client == "a")', 'shadowed_variable', 14],
    ['1 +', 'unexpected_token', 3],
    ['"a" + 1', 'no_such_overload', 0],
    ['"a', 'unterminated_string', 0],
    ['true ? 1 : "a"', 'incompatible_ternary_branches', 0],
    ['client.id.matches("(a+)+$")', 'function_not_offered', 0],
    ['now.getHours("Europe/Oslo")', 'function_not_offered', 0],
    ['b"{}".json()', 'function_not_offered', 0],
    ['eval("1")', 'function_not_offered', 0],
    ['metered(true)', 'function_not_offered', 0],
    ['duration(client.id)', 'duration_not_literal', 0],
    ['{"constructor": 1}', 'key_not_allowed', 1],
    ['{"__proto__": 1}', 'key_not_allowed', 1],
  ])('%s is refused when it is compiled: %s', (text, code, position) => {
    expect(() => compileExpression(text)).toThrow(expect.objectContaining({ code, position }))
  })

  test.each<[text: string, code: string]>([
    ['subject_token.missing', 'no_such_key'],
    ['subject_token.groups[9]', 'index_out_of_bounds'],
    ['int(client.id)', 'int_conversion_error'],
    ['1 / 0', 'division_by_zero'],
    ['9223372036854775807 + 1', 'numeric_overflow'],
    ['9007199254740993', 'integer_out_of_range'],
    ['1.0 / 0.0', 'not_finite'],
    ['double("nan")', 'not_finite'],
    ['type(1)', 'no_plain_value'],
    ['subject_token.?missing', 'no_plain_value'],
    ['now + duration("99999999999h")', 'not_a_time'],
    ['subject_token.level + 1', 'no_such_overload'],
    ['"\\u0000"', 'broken_text'],
  ])('%s is refused when it is evaluated: %s', (text, code) => {
    expect(() => evaluate(text)).toThrow(expect.objectContaining({ code }))
  })

  test('what they depend on is known beforehand', () => {
    const { variables, sources } = compileExpression('client.id == "a" && attributes.one.x == attributes["two"].y')
    expect([...variables]).toEqual(['client', 'attributes'])
    expect([...sources]).toEqual([
      ['one', 20],
      ['two', 40],
    ])
  })

  test.each<[what: string, text: string]>([
    ['longer than 2,000 characters', `"${'a'.repeat(2_000)}"`],
    ['400 nodes', Array.from({ length: 300 }, () => '1').join('+')],
    ['32 levels', `${'['.repeat(40)}${']'.repeat(40)}`],
    ['32 levels of parentheses', `${'('.repeat(900)}1${')'.repeat(900)}`],
    ['32 levels of negation', `${'!'.repeat(1_000)}true`],
    ['100 items', `[${Array.from({ length: 101 }, () => 1)}]`],
    ['8 arguments', `size(${Array.from({ length: 9 }, () => 1)})`],
  ])('no more than %s', (_what, text) => {
    expect(() => compileExpression(text)).toThrow(expect.objectContaining({ name: 'ExpressionError' }))
  })

  test('the reason of an error holds no data, its explanation does', () => {
    const secret = { ...context, subject_token: { flag: 'hunter2' }, attributes: {} }
    const expression = compileExpression('bool(subject_token.flag)')
    const failure = (() => {
      try {
        return expression.evaluate(secret, { left: 1_000 })
      } catch (error) {
        return error
      }
    })()
    expect(failure).toMatchObject({ reason: 'bool_conversion_error (at character 0)' })
    expect(failure).toHaveProperty('explanation', expect.stringContaining('hunter2'))
  })
})
