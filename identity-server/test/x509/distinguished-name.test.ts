import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSameName, parseDistinguishedName } from '../../src/x509/distinguished-name.ts'

const same = (a: string, b: string) => {
  const [left, right] = [parseDistinguishedName(a), parseDistinguishedName(b)]
  return left !== undefined && right !== undefined && isSameName(left, right)
}

describe('distinguished names (RFC 4514)', () => {
  test('are read from their most significant part on', () => {
    expect(parseDistinguishedName('CN=client,O=Acme,C=DE')).toEqual([
      ['2.5.4.6=DE'],
      ['2.5.4.10=Acme'],
      ['2.5.4.3=client'],
    ])
    expect(parseDistinguishedName('OU=Sales+CN=J. Smith,DC=example,DC=net')).toEqual([
      ['0.9.2342.19200300.100.1.25=net'],
      ['0.9.2342.19200300.100.1.25=example'],
      ['2.5.4.11=Sales', '2.5.4.3=J. Smith'],
    ])
  })

  test.each([
    ['CN=a,O=b', 'cn=a, o=b'],
    ['CN=a', '2.5.4.3=a'],
    ['CN=a', '2.5.4.3=#0c0161'],
    ['CN=a', 'CN=#130161'],
    ['CN=a,OU=b+O=c', 'CN=a,O=c+OU=b'],
    ['CN=a\\,b', 'CN=a\\2Cb'],
    ['CN=a\\20', 'CN=a\\ '],
    ['CN=Lu\\C4\\8Di\\C4\\87', 'CN=Lučić'],
    ['CN=\\#a', 'CN=\\23a'],
    ['CN=50%', 'CN=50\\25'],
    ['emailAddress=a@b.example', '1.2.840.113549.1.9.1=a@b.example'],
  ])('%s is %s', (a, b) => expect(same(a, b)).toBe(true))

  test.each([
    ['CN=a', 'CN=A'],
    ['CN=a,O=b', 'O=b,CN=a'],
    ['CN=a,O=b', 'CN=a+O=b'],
    ['CN=a,O=b', 'CN=a\\,O\\=b'],
    ['CN=a', 'CN=a,O=b'],
    ['CN=a', 'OU=a'],
    ['CN=a', 'CN=a\\ '],
    ['CN=#0c0161', 'CN=\\#0c0161'],
    ['CN=\\\\41', 'CN=A'],
  ])('%s is not %s', (a, b) => {
    expect([parseDistinguishedName(a), parseDistinguishedName(b)]).not.toContain(undefined)
    expect(same(a, b)).toBe(false)
  })

  test.each([
    '',
    ' ',
    'CN',
    '=a',
    'CN=a,',
    ',CN=a',
    'CN=a,,O=b',
    'CN=a+',
    'CN=a;O=b',
    'CN="a"',
    'CN=a<b',
    'CN= a',
    'CN=a ',
    'CN=a\\',
    'CN=a\\x',
    'CN=\\C4',
    'CN=#',
    'CN=#0',
    'CN=#0c02',
    'CN=#0c0161ff',
    'CN=#zz',
    'XX=a',
    '2=a',
    'CN=a\0b',
    '/CN=a/O=b',
  ])('%j is none', (text) => expect(parseDistinguishedName(text)).toBeUndefined())

  test('any text can be the value of a name, escaped, and stays one value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const escaped = [...Buffer.from(text)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('')
        expect(parseDistinguishedName(`CN=${escaped},O=b`)).toEqual([['2.5.4.10=b'], [`2.5.4.3=${text}`]])
      }),
    )
  })

  test('takes any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'CNO=,+#\\ "a4é;') }), (text) => {
        const name = parseDistinguishedName(text)
        if (name) expect(name.flat().every((part) => /^[0-9.]+[=#]/.test(part))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})
