/** What Envoy writes, and what clients may put before and into it; test/gateways has the real one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { thumbprintOfXfcc } from '../../../../src/steps/sender-constraint/certificate-forms/envoy-xfcc.ts'

const own = 'aa'.repeat(32)
const another = 'bb'.repeat(32)
const read = Buffer.from(own, 'hex').toString('base64url')
/** Whatever a client may send, and have in its certificate. */
const text = fc
  .array(fc.constantFrom('"', '\\', ',', ';', '=', ' ', 'x', 'By=', 'Hash=', 'hash=', 'URI=', another), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''))

describe('the thumbprint', () => {
  test.each([
    `Hash=${own}`,
    `By=spiffe://proxy;Hash=${own}`,
    `By=spiffe://a;By=https://b;Hash=${own};URI=x`,
    `Hash=${own};Cert="-----BEGIN%20CERTIFICATE-----%0A";Chain="-----BEGIN";Subject="CN=a\\, \\"b\\"\\; c=d";URI=;DNS=a;DNS=b`,
  ])('is the hash that Envoy begins with: %s', (header) => expect(thumbprintOfXfcc(header)).toBe(read))

  test.each([
    '',
    'Hash=',
    `hash=${own}`,
    `Hash=${own.toUpperCase()}`,
    `Hash="${own}"`,
    `Hash=${own.slice(1)}`,
    `Hash=${own}0`,
    `Hash=${own},By=a`,
    ` Hash=${own}`,
    `Subject="";Hash=${own}`,
    `By="a";Hash=${own}`,
    `By=a,Hash=${own}`,
    `By=a;;Hash=${own}`,
  ])('is not made out of %s', (header) => expect(thumbprintOfXfcc(header)).toBeUndefined())

  test('is that of the connection or none, whatever names its certificate holds', () => {
    fc.assert(
      fc.property(text, (name) => {
        for (const header of [`Hash=${own};URI=${name}`, `By=a;Hash=${own};Subject="${name}";DNS=${name}`]) {
          expect([read, undefined]).toContain(thumbprintOfXfcc(header))
        }
      }),
    )
  })

  test('is none where a client has sent the first, and Envoy appended its own to it', () => {
    fc.assert(
      fc.property(text, text, (sent, name) => {
        for (const first of [sent, `Hash=${another}`, `Hash=${another};${sent}`]) {
          expect(thumbprintOfXfcc(`${first},Hash=${own};URI=${name}`)).toBeUndefined()
        }
      }),
    )
  })

  test('takes its time in proportion, whatever it is read from', () => {
    const begun = performance.now()
    for (const part of ['By=', 'By=;', 'By=a;', 'Hash=', '"', ';']) thumbprintOfXfcc(part.repeat(5_000))
    expect(performance.now() - begun).toBeLessThan(500)
  })
})
