import { OAuthError } from '@postern/protocol/oauth-error'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repeatable } from '../../src/form.ts'
import { parseForm } from '../../src/http/form.ts'

/** The named parameters that may not repeat, as far as they are there. */
const parse = (text: string, names = ['a', 'b', 'c', 'c d']) => {
  const form = parseForm(Buffer.from(text))
  return Object.fromEntries(names.flatMap((name) => (form.get(name) === undefined ? [] : [[name, form.get(name)]])))
}

describe('parsing a form', () => {
  test('decodes percent-encoding and plus signs', () => {
    expect(parse('a=1+2&b=%C3%A9&c%20d=%2B')).toEqual({ a: '1 2', b: 'é', 'c d': '+' })
  })

  test('takes a parameter without a value as omitted, and keeps equals signs of a value', () => {
    expect(parse('a=&b&c==d=')).toEqual({ c: '=d=' })
  })

  test('skips empty pairs', () => {
    expect(parse('&a=1&&b=2&')).toEqual({ a: '1', b: '2' })
  })

  test('refuses a repetition even where one of the two has no value', () => {
    expect(() => parse('a=&a=1')).toThrow('a parameter is repeated')
  })

  test('throws nothing but OAuthError, and accepts no name twice', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          parseForm(Buffer.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError)
        }
      }),
      { numRuns: 2_000 },
    )
    const name = fc.string({ minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string()), { minLength: 1 }), fc.nat(), (pairs, index) => {
        fc.pre(!pairs.some(([key]) => repeatable.has(key)))
        const again = pairs[index % pairs.length] ?? ['', '']
        const encode = ([key, value]: [string, string]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`
        expect(() => parseForm(Buffer.from([...pairs, again].map(encode).join('&')))).toThrow(OAuthError)
      }),
    )
  })

  test('collects the few that may repeat, and those only', () => {
    const form = parseForm(Buffer.from('resource=a&audience=x&resource=b&resource='))
    expect(form.all('resource')).toEqual(['a', 'b'])
    expect(form.all('audience')).toEqual(['x'])
    expect(form.all('scope')).toEqual([])
    // Whoever asks for one value must not be given the first of several.
    expect(form.get('resource')).toBeUndefined()
  })

  test('lets lines break in parameters that hold JSON, and nowhere else', () => {
    const lines = encodeURIComponent('[\r\n\t{}\n]')
    expect(parse(`authorization_details=${lines}`, ['authorization_details'])).toEqual({
      authorization_details: '[\r\n\t{}\n]',
    })
    expect(() => parse(`a=${lines}`)).toThrow('control character')
    for (const control of ['%00', '%0B', '%0C', '%1F', '%7F']) {
      expect(() => parse(`authorization_details=${control}`)).toThrow('control character')
    }
  })

  test('gives back what was encoded', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((value) => !/\p{Cc}/u.test(value) && !repeatable.has(value))
    fc.assert(
      fc.property(fc.dictionary(text, text, { maxKeys: 20, noNullPrototype: true }), (pairs) => {
        expect(parse(new URLSearchParams(pairs).toString(), Object.keys(pairs))).toEqual(pairs)
      }),
    )
  })
})
