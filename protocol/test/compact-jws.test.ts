import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readUnverifiedJws } from '../src/compact-jws.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jws = (payload: unknown, header: unknown = { alg: 'ES256' }) => `${encode(header)}.${encode(payload)}.AAAA`
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) })

describe('reading a compact JWS unverified', () => {
  test('gives back header and payload', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true })
    fc.assert(
      fc.property(object, object, (header, payload) => {
        const read = readUnverifiedJws(jws(payload, header), 100_000)
        expect(JSON.stringify([read?.header, read?.payload])).toBe(
          JSON.stringify([JSON.parse(JSON.stringify(header)), JSON.parse(JSON.stringify(payload))]),
        )
        expect(read?.signature).toEqual(Buffer.alloc(3))
      }),
    )
  })

  test.each([
    ['nothing', ''],
    ['one part', encode({})],
    ['two parts', `${encode({})}.${encode({})}`],
    ['four parts', `${jws({})}.AAAA`],
    ['five parts: a JWE', 'a.b.c.d.e'],
    ['no signature', `${encode({})}.${encode({})}.`],
    ['padding', `${encode({ a: 1 })}=.${encode({})}.AAAA`],
    ['stray bits in the last character', `${encode({})}.${encode({})}.AB`],
    ['the alphabet of Base64', `${encode({})}.${encode({})}.AA+/`],
    ['white space', ` ${jws({})}`],
    ['a line break at the end', `${jws({})}\n`],
    ['an array for a payload', jws([])],
    ['null for a payload', jws(null)],
    ['a string for a header', jws({}, 'x')],
    ['a payload that is no JSON', `${encode({})}.${Buffer.from('{').toString('base64url')}.AAAA`],
    ['a payload that is no UTF-8', `${encode({})}.${Buffer.from('{"a":"\xFF"}', 'latin1').toString('base64url')}.AAAA`],
    ['a byte order mark', `${encode({})}.${Buffer.from('\uFEFF{}').toString('base64url')}.AAAA`],
    ['more than 20 levels', jws(nested(22))],
  ])('refuses %s', (_, text) => {
    expect(readUnverifiedJws(text, 100_000)).toBeUndefined()
  })

  test('gives headers that nobody changes for the next token', () => {
    const read = readUnverifiedJws(jws({}, { alg: 'ES256', jwk: { x: 1 } }), 1_000)
    expect(() => Object.assign(read?.header ?? {}, { alg: 'none' })).toThrow(TypeError)
    expect(() => Object.assign(read?.header.jwk ?? {}, { x: 2 })).toThrow(TypeError)
    expect(readUnverifiedJws(jws({ a: 1 }, { alg: 'ES256', jwk: { x: 1 } }), 1_000)?.header).toBe(read?.header)
  })

  test('remembers no more than 64 headers, and none that is long', () => {
    const headerOf = (header: object) => readUnverifiedJws(jws({}, header), 10_000)?.header
    const first = headerOf({ first: 1 })
    for (let index = 0; index < 64; index++) expect(headerOf({ index })).toEqual({ index })
    expect(headerOf({ first: 1 })).toEqual(first)
    expect(headerOf({ first: 1 })).not.toBe(first)
    const long = { x: 'x'.repeat(400) }
    expect(headerOf(long)).not.toBe(headerOf(long))
  })

  test('takes the sign that stands for what cannot be read, where it was written', () => {
    expect(readUnverifiedJws(jws({ a: '\uFFFD' }), 1_000)?.payload).toEqual({ a: '\uFFFD' })
  })

  test('takes 20 levels, and refuses what is longer than it may be', () => {
    expect(readUnverifiedJws(jws(nested(20)), 100_000)).toBeDefined()
    const text = jws({})
    expect(readUnverifiedJws(text, text.length)).toBeDefined()
    expect(readUnverifiedJws(text, text.length - 1)).toBeUndefined()
  })

  test('takes the spelling of a signature that bytes have, and no other', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const texts = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(texts, (signature) => {
        const canonical = Buffer.from(signature, 'base64url').toString('base64url') === signature
        const text = `${encode({})}.${encode({})}.${signature}`
        expect(readUnverifiedJws(text, 100) !== undefined).toBe(canonical)
      }),
      { numRuns: 2_000 },
    )
  })

  test('throws at nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void readUnverifiedJws(text, 1_000)),
      { numRuns: 1_000 },
    )
  })
})
