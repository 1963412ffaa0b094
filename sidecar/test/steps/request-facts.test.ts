import { expect, test } from 'vitest'
import { createRequestFacts } from '../../src/steps/request-facts.ts'

const read = (uri: string, headers: string[] = []) =>
  createRequestFacts({ method: 'GET', uri, headers }).forExpressions()

test('conditions see the path as it was sent, and the query decoded, with all of its values', () => {
  const { path, query } = read('/a%20b?x=1&y=%2F&x=2&z')
  expect(path).toBe('/a%20b')
  expect({ ...query }).toEqual({ x: ['1', '2'], y: ['/'], z: [''] })
  expect(read('/a')).toMatchObject({ path: '/a', query: {} })
})

test('a query of more than 256 parameters is not there', () => {
  const query = (count: number) =>
    read(`/a?${Array.from({ length: count }, (_, index) => `p${index % 9}=1`).join('&')}`)
  expect(Object.keys(query(256).query ?? {})).toHaveLength(9)
  expect(query(257)).toEqual({ method: 'GET', path: '/a', headers: {} })
})

test('names of headers are in lower case, and a header that is there twice is one with both values', () => {
  const { headers } = read('/', ['X-A', '1', 'x-b', '2', 'x-a', '3', 'cut off'])
  expect({ ...headers }).toEqual({ 'x-a': '1, 3', 'x-b': '2' })
})

test('what clients name is a name, whatever it is called', () => {
  const { query = {}, headers } = read('/?__proto__=1&toString=2', ['__proto__', '3'])
  expect(Object.keys(query)).toEqual(['__proto__', 'toString'])
  expect(query.toString).toEqual(['2'])
  expect('valueOf' in query).toBe(false)
  expect(Object.keys(headers)).toEqual(['__proto__'])
  expect('toString' in headers).toBe(false)
})

test('a request is read once', () => {
  const facts = createRequestFacts({ method: 'GET', uri: '/', headers: [] })
  expect(facts.forExpressions()).toBe(facts.forExpressions())
})
