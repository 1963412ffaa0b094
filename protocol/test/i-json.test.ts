import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonEqual, parseIJson } from '../src/i-json.ts'

const deep = 100
/** JSON values that every reader reads alike. */
const value = fc.jsonValue({ maxDepth: 4 }).map((any) => JSON.parse(JSON.stringify(any, exact)) as unknown)
const exact = (_: string, any: unknown) =>
  typeof any === 'number' && Number.isInteger(any) && !Number.isSafeInteger(any) ? 0 : any

describe('parseIJson', () => {
  test('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2, '\t'), (any, space) => {
        expect(parseIJson(JSON.stringify(any, undefined, space), deep)).toEqual(any)
      }),
    )
  })

  test('takes any text, and nothing that JSON.parse would not', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: fc.constantFrom(...'{}[]",:\\ue0') })), (text) => {
        const parsed = parseIJson(text, deep)
        if (parsed !== undefined) expect(parsed).toEqual(JSON.parse(text))
      }),
    )
  })

  test('refuses two members of one name, wherever they stand and however they are spelled', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '"', '\\', ':', '{'))
    fc.assert(
      fc.property(name, value, value, value, (name, one, other, around) => {
        fc.pre(name.isWellFormed())
        const escaped = `"${Array.from({ length: name.length }, (_, index) => unicodeEscape(name, index)).join('')}"`
        const member = (spelling: string, any: unknown) => `${spelling} : ${JSON.stringify(any)}`
        for (const spelling of [JSON.stringify(name), escaped]) {
          const twice = `{${member(JSON.stringify(name), one)},${member(spelling, other)}}`
          expect(parseIJson(twice, deep)).toBeUndefined()
          expect(parseIJson(`[${JSON.stringify(around)},{"a":[${twice}]}]`, deep)).toBeUndefined()
        }
      }),
    )
  })

  test.each([
    ['the same name in different objects', '[{"a":1},{"a":1},{"b":{"a":1}}]', true],
    ['a name again inside', '{"a":{"a":{"a":1}}}', true],
    ['a name again after an inner object', '{"a":{"b":1},"a":2}', false],
    ['a value like a name', '{"a":"a","b":"a"}', true],
    ['a value that looks like a repeated member', '{"a":"\\"a\\":1,\\"a\\":2"}', true],
    ['half of a surrogate pair', '"\\ud800"', false],
    ['half of a surrogate pair in a name', '{"\\udc00":1}', false],
    ['a surrogate pair', '"\\ud83d\\ude00"', true],
    ['the largest exact integer', '9007199254740991', true],
    ['an integer that a double does not hold', '9007199254740993', false],
    ['an integer that a double does not hold, by exponent', '1e20', false],
    ['a number that is infinite to a double', '[1e999]', false],
    ['a negative one', '{"a":-1E+999}', false],
    ['a fraction', '[0.1,-1.5e-3]', true],
    ['a comment', '{"a":1/**/}', false],
    ['a trailing comma', '[1,]', false],
    ['a byte order mark', '\uFEFF[1]', false],
    ['nothing', '', false],
    ['two values', '1 2', false],
    ['NaN', 'NaN', false],
  ])('%s', (_, text, accepted) => {
    expect(parseIJson(text, deep) !== undefined).toBe(accepted)
  })

  test('bounds the depth, without falling over it', () => {
    const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`
    expect(parseIJson('1', 0)).toBe(1)
    expect(parseIJson(nested(8), 8)).toBeDefined()
    expect(parseIJson(nested(10), 8)).toBeUndefined()
    expect(parseIJson(nested(100_000), 8)).toBeUndefined()
    expect(parseIJson('[[],[],[],[]]', 2)).toBeDefined()
  })
})

describe('jsonEqual', () => {
  test('is true of a copy with its members in another order, and of nothing else', () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        expect(jsonEqual(one, reversed(one))).toBe(true)
        expect(jsonEqual(one, other)).toBe(jsonEqual(other, one))
        expect(jsonEqual([one, 1], [one, 2])).toBe(false)
        expect(jsonEqual({ a: one }, { a: one, b: 1 })).toBe(false)
      }),
    )
  })

  test.each([
    [[1], { 0: 1 }],
    [null, {}],
    [1, '1'],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: undefined }, { b: undefined }],
    [JSON.parse('{"__proto__":1}'), {}],
  ])('tells %j from %j', (one, other) => {
    expect(jsonEqual(one, other)).toBe(false)
    expect(jsonEqual(other, one)).toBe(false)
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

function unicodeEscape(text: string, index: number): string {
  return `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`
}
