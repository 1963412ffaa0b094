import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AuthorizationDetail, exceedingDetails, parseAuthorizationDetails } from '../src/authorization-details.ts'

const common = fc.record(
  {
    type: fc.string({ minLength: 1 }),
    locations: fc.array(fc.string()),
    actions: fc.array(fc.string()),
    identifier: fc.string(),
    amount: fc.record({ currency: fc.string(), value: fc.integer() }),
  },
  { requiredKeys: ['type'] },
)
const details = fc.array(common, { minLength: 1, maxLength: 5 })

describe('parseAuthorizationDetails', () => {
  test('reads what was written, further members included', () => {
    fc.assert(
      fc.property(details, (written) => {
        expect(parseAuthorizationDetails(JSON.stringify(written))).toEqual(written)
      }),
    )
  })

  test('takes any text; what it answers is a list of objects with a type', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(fc.jsonValue()).map((any) => JSON.stringify(any)),
    )
    fc.assert(
      fc.property(text, (text) => {
        const parsed = parseAuthorizationDetails(text)
        expect(parsed === undefined || parsed.every(({ type }) => typeof type === 'string' && type !== '')).toBe(true)
      }),
    )
  })

  test.each([
    ['an object in place of the array', '{"type":"a"}'],
    ['an empty array', '[]'],
    ['an element that is no object', '[{"type":"a"},"b"]'],
    ['an element that is an array', '[[{"type":"a"}]]'],
    ['no type', '[{"actions":["read"]}]'],
    ['an empty type', '[{"type":""}]'],
    ['a type that is no string', '[{"type":1}]'],
    ['actions that are no array', '[{"type":"a","actions":"read"}]'],
    ['locations that are no strings', '[{"type":"a","locations":[1]}]'],
    ['an identifier that is no string', '[{"type":"a","identifier":1}]'],
    ['a type that is repeated', '[{"type":"a","type":"b"}]'],
    ['a member that is repeated inside', '[{"type":"a","amount":{"value":1,"value":2}}]'],
    ['too many', JSON.stringify(Array.from({ length: 51 }, () => ({ type: 'a' })))],
    ['too long', JSON.stringify([{ type: 'a', note: 'x'.repeat(8_192) }])],
    ['too deep', `[{"type":"a","b":${'['.repeat(9)}${']'.repeat(9)}}]`],
  ])('refuses %s', (_, text) => {
    expect(parseAuthorizationDetails(text)).toBeUndefined()
  })
})

describe('exceedingDetails', () => {
  const granted: AuthorizationDetail[] = [{ type: 'payment', actions: ['read', 'write'] }, { type: 'account' }]

  test('finds none in any part of what was granted, in any order', () => {
    fc.assert(
      fc.property(details, fc.infiniteStream(fc.boolean()), (all, kept) => {
        const some = all.toReversed().filter(() => kept.next().value)
        expect(exceedingDetails(some, all)).toEqual([])
      }),
    )
  })

  test.each<[string, AuthorizationDetail]>([
    ['another type', { type: 'transfer' }],
    ['a member more', { type: 'account', identifier: '1' }],
    // Fewer actions are less in most types, but fewer restrictions are more: only the type knows.
    ['an element less', { type: 'payment', actions: ['read'] }],
  ])('finds %s', (_, detail) => {
    expect(exceedingDetails([{ type: 'account' }, detail], granted)).toEqual([detail])
  })
})
