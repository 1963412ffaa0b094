import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatBasicCredentials, parseBasicCredentials } from '../src/basic-credentials.ts'

const encode = (text: string) => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`
/** Visible ASCII and the space: `VSCHAR` of RFC 6749 appendix A. */
const vschars = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })

describe('parseBasicCredentials', () => {
  test('reads what formatBasicCredentials writes', () => {
    fc.assert(
      fc.property(
        vschars.filter((id) => id !== ''),
        vschars,
        (clientId, clientSecret) => {
          const written = formatBasicCredentials(clientId, clientSecret)
          expect(parseBasicCredentials(written)).toEqual({ clientId, clientSecret })
        },
      ),
    )
  })

  test('decodes each part as a form', () => {
    expect(parseBasicCredentials(encode('a%3Ab+c:d%20e:f'))).toEqual({ clientId: 'a:b c', clientSecret: 'd e:f' })
    expect(parseBasicCredentials(encode('a:'))).toEqual({ clientId: 'a', clientSecret: '' })
  })

  test.each(['Bearer abc', '', 'Basicabc', ' Basic YTpi'])('leaves %j to others', (value) => {
    expect(parseBasicCredentials(value)).toBe('none')
  })

  test.each<[what: string, value: string]>([
    ['no credentials', 'Basic'],
    ['empty credentials', 'Basic '],
    ['two spaces', 'Basic  YTpi'],
    ['a tab', 'Basic\tYTpi'],
    ['no Base64', 'Basic a:b!'],
    ['Base64 of URLs', `Basic ${Buffer.from('a:>>>').toString('base64url')}-`],
    ['Base64 without its padding', 'Basic YTpiYw'],
    ['Base64 with other padding bits', 'Basic YTpiYx=='],
    ['a space in it', 'Basic YTpi YTpi'],
    ['no colon', encode('ab')],
    ['no client_id', encode(':b')],
    ['broken percent-encoding', encode('a%:b')],
    ['broken percent-encoding in the secret', encode('a:b%2')],
    ['percent-encoded bytes that are not UTF-8', encode('a%ff:b')],
    ['a raw byte beyond ASCII', encode('\u00e4:b')],
    ['an encoded character beyond ASCII', encode('%C3%A4:b')],
    ['an encoded control character', encode('a%00:b')],
    ['an encoded line break', encode('a:b%0d%0a')],
  ])('refuses %s', (_what, value) => {
    expect(parseBasicCredentials(value)).toBe('malformed')
  })

  test('takes any text, and yields only characters of RFC 6749', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), fc.string({ unit: 'binary' }), (text, pair) => {
        for (const value of [text, `Basic ${text}`, encode(pair)]) {
          const parsed = parseBasicCredentials(value)
          if (typeof parsed === 'object') expect(parsed.clientId + parsed.clientSecret).toMatch(/^[\x20-\x7E]+$/)
        }
      }),
    )
  })

  test('has one spelling for the Base64 of each pair', () => {
    fc.assert(
      fc.property(fc.base64String({ minLength: 4 }), (text) => {
        const parsed = parseBasicCredentials(`Basic ${text}`)
        if (typeof parsed === 'object') expect(Buffer.from(text, 'base64').toString('base64')).toBe(text)
      }),
    )
  })
})

test('formatBasicCredentials writes one header, whatever stands in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (clientId, clientSecret) => {
      expect(formatBasicCredentials(clientId, clientSecret)).toMatch(/^Basic [A-Za-z0-9+/]+=*$/)
    }),
  )
})
