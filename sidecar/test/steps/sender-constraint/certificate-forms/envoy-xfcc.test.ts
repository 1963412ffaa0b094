import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lastElement, thumbprintOfXfcc } from '../../../../src/steps/sender-constraint/certificate-forms/envoy-xfcc.ts'

const name = fc.constantFrom('By', 'Hash', 'Subject', 'URI', 'DNS')
const value = fc.string({ unit: fc.constantFrom('a', '=', ',', ';', '"', '\\', ' ', ':') })
const pairs = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, minLength: 1 })

const write = (element: [string, string][]) =>
  element.map(([key, text]) => `${key}="${text.replace(/["\\]/g, '\\$&')}"`).join(';')
const read = (element: [string, string][]) => new Map(element.map(([key, text]) => [key.toLowerCase(), text]))

describe('lastElement', () => {
  test('reads what was written, whatever its values hold', () => {
    fc.assert(
      fc.property(fc.array(pairs, { minLength: 1, maxLength: 3 }), (elements) => {
        expect(lastElement(elements.map(write).join(','))).toEqual(read(elements.at(-1) ?? []))
      }),
    )
  })

  test('is never another than the one that was appended, whatever stands before it', () => {
    const appended: [string, string][] = [
      ['By', 'spiffe://proxy'],
      ['Hash', 'aa'],
      ['Subject', 'CN=thief'],
    ]
    const forged = fc.string({ unit: fc.constantFrom('"', '\\', ',', ';', '=', 'Hash=bb', 'By=c', ' ', 'x') })
    fc.assert(
      fc.property(forged, (first) => {
        const trusted = 'By=spiffe://proxy;Hash=aa;Subject="CN=thief"'
        const element = lastElement(`${first},${trusted}`)
        if (element !== undefined) expect(element).toEqual(read(appended))
      }),
      { numRuns: 5_000 },
    )
  })

  test.each([
    '"',
    'By',
    'By="',
    'By="a',
    'By="a"b',
    'By=a"',
    '=a',
    'By=a;',
    'By=a,',
    ',,By=a',
    'By=a;;Hash=b',
    ' By=a',
  ])('refuses %s', (header) => expect(lastElement(header)).toBeUndefined())

  test('takes its time in proportion, whatever it is given', () => {
    const begun = performance.now()
    for (const text of ['By="', 'By="\\"', 'a=,', 'a=;', '"', '\\']) lastElement(text.repeat(5_000))
    expect(performance.now() - begun).toBeLessThan(500)
  })
})

test('a hash is 64 hexadecimal digits', () => {
  expect(thumbprintOfXfcc(`Hash=${'Aa'.repeat(32)}`)).toBe(Buffer.alloc(32, 0xaa).toString('base64url'))
  for (const hash of ['', 'aa', 'aa'.repeat(33), 'zz'.repeat(32), `"${'aa'.repeat(31)}"`]) {
    expect(thumbprintOfXfcc(`Hash=${hash}`)).toBeUndefined()
  }
})
