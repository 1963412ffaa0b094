import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isResourceIndicator } from '../src/resource.ts'

describe('resource indicators', () => {
  test.each(['https://api.example', 'https://api.example/a/b?c=d', 'urn:example:orders', 'a+b.c-d:x', 'x:%C3%A9'])(
    'take %s',
    (text) => expect(isResourceIndicator(text)).toBe(true),
  )

  test.each([
    ['a relative reference', '/orders'],
    ['no scheme', 'api.example'],
    ['a scheme alone', 'https:'],
    ['a scheme that begins with a digit', '1a:b'],
    ['a fragment', 'https://api.example/#a'],
    ['an empty fragment', 'https://api.example/#'],
    ['a space', 'https://api.example/ a'],
    ['a quotation mark', 'https://api.example/"a'],
    ['a backslash', 'https://api.example\\a'],
    ['broken percent-encoding', 'https://api.example/%zz'],
    ['letters beyond ASCII', 'https://api.example/é'],
    ['nothing', ''],
  ])('refuse %s', (_, text) => expect(isResourceIndicator(text)).toBe(false))

  test('are URLs, as far as a parser of URLs is strict', () => {
    fc.assert(fc.property(fc.webUrl({ withQueryParameters: true }), (url) => isResourceIndicator(url)))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
        if (isResourceIndicator(text)) expect(text).not.toMatch(/[\u0000- "#<>\\^`{|}\u007F-\uFFFF]/)
      }),
      { numRuns: 2_000 },
    )
  })
})
