import { describe, expect, test } from 'vitest'
import { compileExpression } from '../../src/claims/expression.ts'
import { evaluationLimits } from '../../src/claims/limits.ts'
import { context } from './context.ts'

/** About as much as a context can hold. */
const many = Array.from({ length: 8_000 }, (_, index) => `item${index}`)
const long = 'a'.repeat(60_000)
const bindings = {
  ...context,
  scopes: many,
  subject: long,
  subject_token: { zeros: Array.from({ length: 30_000 }, () => 0), nested: [[many, many]] },
  attributes: {},
}

const sum = (term: string, count: number) => Array.from({ length: count }, () => term).join(' + ')

/** Each is small as text, and would keep a processor busy for seconds to years. */
const expensive: Record<string, string> = {
  'macros within macros': 'scopes.map(a, scopes.map(b, scopes.map(c, c)))',
  'quantifiers within quantifiers': 'scopes.all(a, scopes.all(b, scopes.all(c, c != "z")))',
  'quantifiers that swallow errors':
    'subject_token.zeros.exists(a, subject_token.zeros.exists(b, subject.split("").size() == 0))',
  'alternatives that swallow errors': 'scopes.exists(a, scopes.all(b, scopes.all(c, c != "z")) || a == "z")',
  'lists that double':
    'cel.bind(a, scopes + scopes, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, (d + d).size()))))',
  'text that doubles':
    'cel.bind(a, subject + subject, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, (d + d).size()))))',
  'long sums of lists': sum('scopes', 150),
  'lists of lists of lists, compared':
    'cel.bind(a, scopes.map(x, scopes), cel.bind(b, a.map(x, a), cel.bind(c, b.map(x, b), c == b.map(x, b))))',
  'nested data, compared again and again': 'scopes.all(s, subject_token.nested == subject_token.nested)',
  'searches that nearly succeed everywhere': 'subject.contains("b" + subject.substring(0, 30000))',
  'searches from the end': 'subject.contains(subject.substring(0, 30000) + "b")',
  'splits in a loop': 'scopes.exists(s, subject.split("").size() == 0)',
  'joins in a loop': 'scopes.map(s, scopes.join(","))',
  'long text in a loop': 'scopes.map(s, subject.upperAscii())',
  'membership in a loop': 'scopes.all(s, s in scopes)',
  'calendars in a loop': 'scopes.map(s, now.getDayOfYear() + now.getHours() + now.getMinutes())',
  'bytes in a loop': 'scopes.map(s, bytes(subject).base64())',
}

describe('the meter', () => {
  test.each(Object.entries(expensive))('%s: refused, and soon', (_what, text) => {
    const expression = compileExpression(text)
    const begun = performance.now()
    expect(() => expression.evaluate(bindings, { left: evaluationLimits.budget })).toThrow(
      expect.objectContaining({ code: 'too_costly' }),
    )
    // Measured: 0 to 30 ms. The bound leaves room for a busy machine, and none for what would not end.
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('ordinary expressions cost little of the budget', () => {
    const groups = Array.from({ length: 200 }, (_, index) => `team:${index}`)
    const budget = { left: evaluationLimits.budget }
    const text = 'subject_token.groups.filter(g, g.startsWith("team:")).map(g, g.substring(5))'
    const made = compileExpression(text).evaluate({ ...bindings, subject_token: { groups } }, budget)
    expect(made).toHaveLength(200)
    expect(evaluationLimits.budget - budget.left).toBeLessThan(evaluationLimits.budget / 10)
  })

  test('what one evaluation spends is missing to the next', () => {
    const expression = compileExpression('scopes.map(s, s)')
    const budget = { left: 40_000 }
    expression.evaluate(bindings, budget)
    expect(() => expression.evaluate(bindings, budget)).toThrow(expect.objectContaining({ code: 'too_costly' }))
  })

  test('an error that a quantifier swallows is no way around it', () => {
    const expression = compileExpression('["x", "a"].exists(a, a == "a" || scopes.all(b, scopes.all(c, c != "z")))')
    expect(() => expression.evaluate(bindings, { left: evaluationLimits.budget })).toThrow(
      expect.objectContaining({ code: 'too_costly' }),
    )
  })
})
