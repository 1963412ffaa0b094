import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headerValueOf } from '../../src/steps/claim-value.ts'

type Mapping = Parameters<typeof headerValueOf>[1]
const value = (claims: Record<string, unknown>, mapping: Partial<Mapping>) =>
  headerValueOf(claims, { claim: 'a', format: 'text', separator: ' ', ...mapping })

describe('a claim as a header', () => {
  test('nested, by members and positions', () => {
    const claims = { realm: { roles: ['admin', 'user'] }, 'https://x.example/y': 'z', numbered: { 0: 'a' } }
    expect(value(claims, { claim: ['realm', 'roles', 1] })).toBe('user')
    expect(value(claims, { claim: ['realm', 'roles'], separator: ',' })).toBe('admin,user')
    expect(value(claims, { claim: 'https://x.example/y' })).toBe('z')
    for (const claim of [
      ['realm', 'other'],
      ['realm', 0],
      ['realm', 'roles', 'length'],
      ['realm', 'toString'],
      ['https://x.example/y', 0],
      ['numbered', 0],
    ]) {
      expect(value(claims, { claim }), String(claim)).toBeUndefined()
    }
    for (const claim of ['toString', '__proto__', ['realm', '__proto__']]) {
      for (const format of ['json', 'base64'] as const) expect(value(claims, { claim, format })).toBeUndefined()
    }
  })

  test('of its own only, in every format', () => {
    for (const claim of ['toString', 'constructor', '__proto__', ['__proto__', 'constructor']]) {
      for (const format of ['text', 'json', 'base64'] as const) expect(value({}, { claim, format })).toBeUndefined()
    }
  })

  test('as JSON in ASCII, which reads as what it was', () => {
    const claims = { a: { name: 'Zoë 🎉', list: [1, null] } }
    const header = value(claims, { format: 'json' }) ?? ''
    expect(header).toMatch(/^[\x20-\x7E]+$/)
    expect(JSON.parse(header)).toEqual(claims.a)
  })

  test('in base64 of the text, or of the JSON', () => {
    const decoded = (claim: unknown, format: 'base64' | 'base64url') =>
      Buffer.from(value({ a: claim }, { format }) ?? '', format).toString()
    expect(decoded('Zoë\n', 'base64')).toBe('Zoë\n')
    expect(JSON.parse(decoded({ b: ['ÿ?>'] }, 'base64url'))).toEqual({ b: ['ÿ?>'] })
  })

  test('a list is left out where an item would read as two', () => {
    expect(value({ a: ['read', 'write all'] }, {})).toBeUndefined()
    expect(value({ a: ['read', 'write all'] }, { separator: ',' })).toBe('read,write all')
    expect(value({ a: ['a,b'] }, { separator: ',' })).toBeUndefined()
    expect(value({ a: ['user', ' admin'] }, { separator: ',' })).toBeUndefined()
  })

  test('a list comes apart into what it was', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', ' ', ';', '|'), maxLength: 4 })
    const separator = fc.constantFrom(' ', ',', ';', ', ', '||')
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), separator, (list, between) => {
        const header = value({ a: list }, { separator: between })
        if (header !== undefined) expect(header.split(between)).toEqual(list)
      }),
      { numRuns: 5_000 },
    )
  })

  test('a list is left out in base64 too where an item would read as two, and lists of other things are JSON', () => {
    const format = 'base64'
    const injected = ['x",admin,"y', 'user']
    expect(value({ a: injected }, { format, separator: ',' })).toBeUndefined()
    expect(value({ a: ['admin', 7] }, { format, separator: ',' })).toBe(btoa('admin,7'))
    expect(value({ a: ['x', null] }, { format })).toBe(btoa('["x",null]'))
    expect(value({ a: [['x'], 'y'] }, { format })).toBe(btoa('[["x"],"y"]'))
  })

  test('is left out where spaces around it would get lost on the way, and two would be one', () => {
    for (const sub of ['alice ', ' alice', ' ', '  a  ']) expect(value({ a: sub }, {}), sub).toBeUndefined()
    expect(value({ a: ['a', ''] }, {})).toBeUndefined()
    expect(value({ a: 'alice b' }, {})).toBe('alice b')
    expect(value({ a: ' alice' }, { format: 'json' })).toBe('" alice"')
  })

  test('is left out where a number of it was rounded while it was read', () => {
    const { id } = JSON.parse('{"id":9007199254740993}')
    for (const format of ['text', 'json', 'base64', 'base64url'] as const) {
      for (const claim of [id, -id, [id], { id }, { a: [{ id }] }])
        expect(value({ a: claim }, { format })).toBeUndefined()
    }
    expect(value({ a: Number.MAX_SAFE_INTEGER }, {})).toBe('9007199254740991')
    expect(value({ a: 0.1 }, {})).toBe('0.1')
  })

  test('never breaks out, whatever the claim and the format', () => {
    const format = fc.constantFrom<Mapping['format']>('text', 'json', 'base64', 'base64url')
    fc.assert(
      fc.property(fc.jsonValue(), format, (claim, chosen) => {
        const header = value({ a: claim }, { format: chosen })
        expect(header === undefined || /^[\x20-\x7E]{1,4096}$/.test(header)).toBe(true)
        if (header !== undefined) expect(new Headers([['a', header]]).get('a')).toBe(header)
      }),
    )
  })
})
