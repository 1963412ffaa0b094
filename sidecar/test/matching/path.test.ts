import { posix, win32 } from 'node:path'
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
    ['DEL', '/admin%7F'],
    ['a line break', '/admin%0a'],
    ['a tab', '/admin%09'],
    ['a raw control character', '/adm\u0001in'],
    ['a raw space', '/adm in'],
    ['raw text that is not ASCII', '/Zoë'],
    ['what old Windows servers decode a second time', '/%25u002e%25u002e/admin'],
    ['a space at the beginning, which who trims drops', '/%20admin'],
    ['a line end of Unicode', '/admin%E2%80%A8'],
    ['the mark of a byte order', '/%EF%BB%BFadmin'],
    ['a control character beyond ASCII', '/admin%C2%85'],
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

describe('whoever reads a path that is read here reads the same', () => {
  const hex = fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
  const encoded = fc.string({ unit: 'binary', maxLength: 3 }).map((text) => encodeURIComponent(text.toWellFormed()))
  const pieces = fc.oneof(
    fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      '%25',
      '%252e',
      ';',
      '+',
      'a',
      'A',
      'admin',
      '%u002e',
    ),
    fc.string({ maxLength: 3 }),
    encoded,
    hex,
  )
  const targets = fc.array(pieces, { maxLength: 8 }).map((parts) => `/${parts.join('')}`)
  const allowed = fc.subarray([...oddities])

  /** What it is read as, as one text; nothing where it is not read. */
  const reading = (target: string, literal: Oddity[]) => read(target, ...literal)?.map((segment) => `/${segment}`)
  const all = (check: (segments: string[], target: string, literal: Oddity[]) => void) =>
    fc.assert(
      fc.property(targets, allowed, (target, literal) => {
        const segments = reading(target, literal)
        if (segments) check(segments, target, literal)
      }),
      { numRuns: 20_000 },
    )
  const decodedAgain = (text: string) => {
    try {
      return decodeURIComponent(text)
    } catch {
      return text
    }
  }
  /** Without the slash at the end, which makes no difference. */
  const bare = (path: string) => (path.length > 1 ? path.replace(/\/$/, '') : path)

  test('by the URL standard', () => {
    all((segments, target) => {
      const { pathname } = new URL(`http://host${target}`)
      expect(decodeURIComponent(bare(pathname))).toBe(segments.join('') || '/')
    })
  })

  test('if they decode it once more', () => {
    all((segments) => {
      for (const segment of segments) expect(decodedAgain(segment)).toBe(segment)
    })
  })

  test('if they clean it up as file systems do, or normalize or trim its text', () => {
    all((segments, target, literal) => {
      const path = segments.join('')
      if (!literal.includes('empty_segments') && !literal.includes('encoded_slashes') && path !== '') {
        expect(posix.normalize(path)).toBe(path)
        expect(win32.normalize(path).replaceAll('\\', '/')).toBe(path)
      }
      for (const segment of segments) {
        expect(segment.normalize('NFKC')).toBe(segment)
        expect(segment.slice(1).trim()).toBe(segment.slice(1))
        expect(
          segment.split('/').some((piece) => /^\.+(;|$)/.test(piece)),
          target,
        ).toBe(false)
      }
    })
  })
})

test('folding takes what any case mapping takes for the same', () => {
  expect(fold('admİn')).toBe(fold('admin'))
  for (let code = 0; code <= 0x1_ffff; code++) {
    const character = String.fromCodePoint(code)
    const all = [character, character.toLowerCase(), character.toUpperCase(), fold(character)].map(fold)
    if (new Set(all).size !== 1) expect(all, code.toString(16)).toHaveLength(1)
  }
  expect(fold('ADMIN')).toBe(fold('admin'))
  expect(fold('admın')).toBe(fold('ADMIN'))
  expect(fold('straße')).toBe(fold('STRASSE'))
})
