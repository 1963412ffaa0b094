import { describe, expect, test } from 'vitest'
import { compileDetailSchema, detailSchemaProblem } from '../../src/tenancy/detail-schema.ts'

const payment = {
  type: 'object',
  properties: {
    type: { const: 'payment' },
    actions: { type: 'array', items: { enum: ['initiate', 'cancel'] }, minItems: 1 },
    amount: {
      type: 'object',
      properties: { currency: { type: 'string', maxLength: 3 }, value: { type: 'number', exclusiveMinimum: 0 } },
      required: ['currency', 'value'],
      additionalProperties: false,
    },
    due: { type: 'string', format: 'date' },
  },
  required: ['amount'],
  additionalProperties: false,
}

describe('a schema', () => {
  test.each([
    ['a usual one', payment],
    ['an empty one', {}],
    ['combinations', { allOf: [{ if: { required: ['a'] }, else: false }], not: { oneOf: [{}, {}] } }],
    ['properties named like keywords', { properties: { $ref: {}, pattern: {}, requried: {} } }],
  ])('%s is taken', (_, schema) => {
    expect(detailSchemaProblem(schema)).toBeUndefined()
    expect(compileDetailSchema(schema)).toBeTypeOf('function')
  })

  test.each([
    ['a misspelt keyword', { requried: ['a'] }, 'must NOT have additional properties: requried'],
    ['one further inside', { properties: { a: { items: { tpye: 'string' } } } }, '/properties/a/items must NOT'],
    ['a keyword of another type', { required: 'a' }, '/required must be array'],
    ['an unknown type', { type: 'text' }, '/type must be'],
    ['an unknown format', { format: 'regex' }, '/format must be'],
    ['another dialect', { $schema: 'http://json-schema.org/draft-07/schema#' }, '/$schema must be'],
    ['a reference', { properties: { a: { $ref: '#' } } }, '/properties/a must NOT'],
    ['a reference elsewhere', { $ref: 'https://internal.example/schema' }, 'must NOT'],
    ['an identifier', { $id: 'https://example.com' }, 'must NOT'],
    ['a pattern, which may take for ever', { properties: { a: { pattern: '^(a+)+$' } } }, '/properties/a must NOT'],
    ['patterns of names', { patternProperties: { '^(a+)+$': {} } }, 'must NOT'],
    ['uniqueItems', { uniqueItems: true }, 'must NOT'],
    ['an asynchronous one', { $async: true }, 'must NOT'],
    ['one that is too long', { description: 'x'.repeat(16_384) }, 'is longer than'],
    ['one that is too deep', JSON.parse(`${'{"not":'.repeat(100)}{}${'}'.repeat(100)}`), 'is nested deeper'],
  ])('%s is refused', (_, schema, problem) => {
    expect(detailSchemaProblem(schema)).toContain(problem)
  })
})

describe('a compiled schema', () => {
  const problem = compileDetailSchema(payment)
  const detail = { type: 'payment', amount: { currency: 'EUR', value: 1 }, due: '2026-02-28' }

  test('takes what fits', () => {
    expect(problem(detail)).toBeUndefined()
  })

  test.each([
    ['a missing member', { type: 'payment' }, "must have required property 'amount'"],
    ['a member more', { ...detail, more: 1 }, 'must NOT have additional properties: more'],
    ['a wrong value', { ...detail, amount: { currency: 'EUR', value: 0 } }, '/amount/value must be > 0'],
    ['a wrong date', { ...detail, due: '2026-02-30' }, '/due must match format'],
    ['another type', { ...detail, type: 'other' }, '/type must be equal to constant'],
  ])('tells %s', (_, detail, expected) => {
    expect(problem(detail)).toContain(expected)
  })

  test('asks for members of the detail itself, not for those that every object inherits', () => {
    expect(compileDetailSchema({ required: ['toString'] })({ type: 'a' })).toContain('toString')
    expect(compileDetailSchema({ properties: { constructor: { type: 'string' } } })({ type: 'a' })).toBeUndefined()
  })

  test('text of the tenant stays text where the schema becomes code', () => {
    const name = '"];process.exit(1);//`$`\\\u2028\''
    const schema = { properties: { [name]: { const: name, description: name } }, required: [name] }
    expect(detailSchemaProblem(schema)).toBeUndefined()
    const problem = compileDetailSchema(schema)
    expect(problem({ type: 'a' })).toContain('must have required property')
    expect(problem(Object.assign({ type: 'a' }, { [name]: name }))).toBeUndefined()
  })
})
