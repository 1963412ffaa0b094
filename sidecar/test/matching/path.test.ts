import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold, type Oddity, oddities, readPath } from '../../src/matching/path.ts'

const read = (target: string, ...allowed: Oddity[]) => readPath(target, new Set(allowed))?.segments

describe('a path with one reading', () => {
  test.each<[target: string, segments: string[]]>([
    ['/', []],
    ['/orders', ['orders']],
    ['/orders/', ['orders']],
    ['/orders/7?page=2/../..', ['orders', '7']],
    ['/or%64ers', ['orders']],
    ['/a%20b', ['a b']],
    ['/Zo%C3%AB', ['Zoë']],
    ['/.well-known/x', ['.well-known', 'x']],
    ['/100%25', ['100%']],
    ['/a:b@c!$&()*+,=~_-', ['a:b@c!$&()*+,=~_-']],
  ])('%s', (target, segments) => {
    expect(read(target)).toEqual(segments)
  })
})

describe('what different readers read differently is not read', () => {
  test.each<[what: string, target: string]>([
    ['dot segments', '/public/../admin'],
    ['dot segments at the end', '/public/..'],
    ['single dots', '/./admin'],
    ['encoded dots', '/public/%2e%2e/admin'],
    ['half encoded dots', '/public/.%2E/admin'],
    ['dots encoded twice', '/public/%252e%252e/admin'],
    ['an encoded slash', '/public%2fadmin'],
    ['an encoded slash in capitals', '/public%2Fadmin'],
    ['a slash encoded twice', '/public%252fadmin'],
    ['empty segments', '//admin'],
    ['empty segments within', '/public//admin'],
    ['a backslash', '/public\\admin'],
    ['an encoded backslash', '/public%5cadmin'],
    ['path parameters', '/admin;x=1'],
    ['path parameters that hide dots', '/public/..;/admin'],
    ['encoded path parameters', '/admin%3bx'],
    ['an encoded question mark', '/admin%3fx'],
    ['an encoded number sign', '/admin%23x'],
    ['a fragment', '/admin#x'],
    ['NUL', '/admin%00'],
    ['a line break', '/admin%0a'],
    ['a tab', '/admin%09'],
    ['a raw control character', '/adm\u0001in'],
    ['a raw space', '/adm in'],
    ['raw text that is not ASCII', '/Zoë'],
    ['a dot at the end, which Windows drops', '/admin.'],
    ['a space at the end, which Windows drops', '/admin%20'],
    ['full-width letters', '/%EF%BD%81dmin'],
    ['a full-width slash', '/public%EF%BC%8Fadmin'],
    ['the Kelvin sign, whose small letter is k', '/to%E2%84%AAen'],
    ['letters composed in two ways', '/Zoe%CC%88'],
    ['overlong UTF-8', '/public%c0%afadmin'],
    ['bytes that are no UTF-8', '/%ff'],
    ['broken percent-encoding', '/%2'],
    ['percent-encoding of nothing', '/%zz'],
    ['an absolute URL', 'http://host/admin'],
    ['no slash at the beginning', 'admin'],
    ['an asterisk', '*'],
    ['nothing', ''],
  ])('%s', (_what, target) => {
    expect(read(target)).toBeUndefined()
  })

  test('unless the upstream is known to take it literally', () => {
    expect(read('/a%2fb', 'encoded_slashes')).toEqual(['a/b'])
    expect(read('/a;v=1', 'path_parameters')).toEqual(['a;v=1'])
    expect(read('/a//b', 'empty_segments')).toEqual(['a', '', 'b'])
    expect(read('/a%2fb', 'empty_segments', 'path_parameters')).toBeUndefined()
  })

  test('dots stay refused wherever a separator is allowed', () => {
    for (const target of ['/a%2f..%2fb', '/..%2fb', '/a/..;x', '/a;/..', '/a%2f..', '/.;a']) {
      expect(read(target, ...oddities), target).toBeUndefined()
    }
  })
})

test('a path that is read stands for itself: decoded again, or as a URL, it stays the same', () => {
  const text = fc.stringMatching(/^\/[a-zA-Z0-9%./;\\ -]{0,20}$/)
  fc.assert(
    fc.property(text, (target) => {
      const segments = read(target)
      if (!segments) return
      expect(segments.join('/')).not.toMatch(/(^|\/)\.{1,2}(\/|$)|\/\/|\\|;/)
      const url = new URL(`http://host${target}`)
      expect(decodeURIComponent(url.pathname).replace(/\/$/, '')).toBe(['', ...segments].join('/'))
    }),
    { numRuns: 2_000 },
  )
})

test('folding takes what any case mapping takes for the same', () => {
  expect(fold('ADMIN')).toBe(fold('admin'))
  expect(fold('admın')).toBe(fold('ADMIN'))
  expect(fold('straße')).toBe(fold('STRASSE'))
})
