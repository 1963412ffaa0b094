import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isUnambiguous } from '../src/target.ts'

test.each([
  '/',
  '/a%2Fb?x=1&x=2',
  '//a',
  '/a/...',
  '/.well-known/x',
  '/a.b/c',
  '/?../..',
  '/a;b,c/%7E?{"x":[1]}',
  '/*',
])('lets %s through', (target) => expect(isUnambiguous(target)).toBe(true))

test.each([
  ...['/a/../b', '/a/..', '/./a', '/%2e%2E/a', '/.%2e/a', '/a%2f..%2fb', '/a%5C..', '/..?x'],
  ...['/a\\b', '/a#b', '/a?b#c', '*', 'http://elsewhere.example/', '', '/a b', '/é', '/\u0000'],
])('refuses %s', (target) => expect(isUnambiguous(target)).toBe(false))

test('a path that passes is the same path for a URL parser', () => {
  const piece = fc.constantFrom('/', '.', '..', '%2e', '%2F', '%5c', '\\', '#', '?', 'a', '%41', ' ', '@', ':', ';')
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const target = `/${pieces.join('')}`
      if (!isUnambiguous(target)) return
      const [path = ''] = target.split('?')
      expect(new URL(`http://upstream.example${target}`).pathname).toBe(path)
    }),
    { numRuns: 2_000 },
  )
})
