import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePattern } from '../../src/matching/pattern.ts'
import { createRouter, type RuleMatch } from '../../src/matching/router.ts'

const rule = (paths?: string[], methods?: string[]): RuleMatch => ({ paths, methods })
const route = (rules: RuleMatch[], caseDistinct = false) => {
  const router = createRouter(rules, { allowed: [], caseDistinct })
  return (uri: string, method = 'GET') => router({ method, uri })
}

describe('patterns', () => {
  test.each<[pattern: string, matching: string[], others: string[]]>([
    ['/', ['/'], ['/a']],
    ['/orders', ['/orders', '/orders/', '/orders?a=b'], ['/', '/orders/7', '/order', '/orderss']],
    ['/orders/*', ['/orders/7', '/orders/7/'], ['/orders', '/orders/7/items']],
    ['/orders/**', ['/orders', '/orders/7', '/orders/7/items'], ['/', '/ordersx', '/x/orders']],
    ['/*/items', ['/a/items'], ['/items', '/a/b/items']],
    ['/**', ['/', '/a', '/a/b/c'], []],
    ['/a b', ['/a%20b'], ['/ab']],
  ])('%s', (pattern, matching, others) => {
    const ask = route([rule([pattern])])
    for (const path of matching) expect(ask(path), path).toBe(0)
    for (const path of others) expect(ask(path), path).toBe(1)
  })

  test.each([
    ['orders', 'begin with'],
    ['', 'begin with'],
    ['/orders/', 'must not end with /'],
    ['/a//b', 'no empty segments'],
    ['/a/../b', 'none of dots'],
    ['/a/**/b', '** only at its end'],
    ['/a*', '* only as a whole segment'],
    ['/a%20b', 'decoded'],
    ['/a?b', 'decoded'],
    ['/a;b', 'decoded'],
    ['/Zoe\u0308', 'normalization'],
  ])('%s is none: %s', (pattern, reason) => {
    expect(() => parsePattern(pattern)).toThrow(reason)
  })
})

describe('rules', () => {
  test('the first that matches counts, and their number stands for none', () => {
    const ask = route([rule(['/a/b']), rule(['/a/**']), rule(undefined, ['DELETE'])])
    expect([ask('/a/b'), ask('/a/c'), ask('/x', 'DELETE'), ask('/x')]).toEqual([0, 1, 2, 3])
  })

  test('by method: HEAD with GET, and no other together', () => {
    const ask = route([rule(undefined, ['GET']), rule(undefined, ['POST', 'PUT'])])
    expect([ask('/', 'GET'), ask('/', 'HEAD'), ask('/', 'PUT'), ask('/', 'PATCH')]).toEqual([0, 0, 1, 2])
  })

  test('a method that is spelled oddly is no method', () => {
    const ask = route([rule(undefined, ['GET'])])
    for (const method of ['get', 'Get', ' GET', 'GET ', 'G\u0045T\u0000', '']) {
      expect(ask('/', method), JSON.stringify(method)).toBe('ambiguous')
    }
  })

  test('a path whose case decides is ambiguous, whichever way', () => {
    const ask = route([rule(['/admin/**']), rule(['/Public'])])
    expect([ask('/admin'), ask('/Public'), ask('/other')]).toEqual([0, 1, 2])
    const spellings = ['/ADMIN/x', '/Admin', '/public', '/adm%49n', '/adm%C4%B1n', '/adm%C4%B0n']
    expect(spellings.map((path) => ask(path))).toEqual(spellings.map(() => 'ambiguous'))
  })

  test('unless paths that differ by case are different', () => {
    const ask = route([rule(['/admin/**'])], true)
    expect([ask('/admin'), ask('/Admin')]).toEqual([0, 1])
  })

  test('without paths nothing of the path matters; without rules nothing at all', () => {
    expect(route([rule(undefined, ['GET'])])('//..%2f')).toBe(0)
    expect(route([rule(['/a'])])('/a', 'get')).toBe(0)
    expect(route([])('//..%2f', 'get')).toBe(0)
  })
})

test('no spelling of a guarded path gets by its rule as another one', () => {
  const ask = route([rule(['/admin/**'])])
  const spellings = fc
    .array(fc.constantFrom('/', '//', '.', '..', '%2f', '%2e', '%5c', '\\', ';', 'admin', 'ADMIN', '%61dmin', 'x'), {
      maxLength: 8,
    })
    .map((parts) => `/${parts.join('')}`)
  fc.assert(
    fc.property(spellings, (path) => {
      // What an upstream may make of it that decodes, cleans up, and cares for no case.
      const cleaned = new URL(`http://h${path.replaceAll(';', '').toLowerCase()}`).pathname
      const seen = new URL(`http://h${decodeURIComponent(cleaned).replace(/[\\/]+/g, '/')}`).pathname
      if (/^\/admin(\/|$)/.test(seen)) expect(ask(path), path).not.toBe(1)
    }),
    { numRuns: 5_000 },
  )
})
