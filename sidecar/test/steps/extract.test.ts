import type { DecisionRequest } from '@postern/protocol/decision'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createExtractToken, type ExtractToken } from '../../src/steps/extract.ts'

const extractToken = (headers: string[]) =>
  createExtractToken([{ header: 'authorization' }])({ method: 'GET', uri: '/', headers })

describe('extractToken', () => {
  test.each<[what: string, headers: string[], expected: ReturnType<typeof extractToken>]>([
    ['a Bearer token', ['Authorization', 'Bearer abc'], { token: 'abc' }],
    ['any case of name and scheme', ['AUTHORIZATION', 'bEaReR abc'], { token: 'abc' }],
    ['headers around it', ['Host', 'a', 'authorization', 'Bearer abc', 'X-B', 'c'], { token: 'abc' }],
    ['no header', ['Host', 'a'], 'none'],
    ['nothing at all', [], 'none'],
    ['another scheme', ['Authorization', 'Basic YTpi'], 'none'],
    ['an empty value', ['Authorization', ''], 'none'],
    ['a scheme without a token', ['Authorization', 'Bearer'], { token: '' }],
    ['two spaces', ['Authorization', 'Bearer  abc'], { token: ' abc' }],
    ['two tokens in one', ['Authorization', 'Bearer abc, Bearer def'], { token: 'abc, Bearer def' }],
    ['signs that no token has', ['Authorization', 'Bearer a"b'], { token: 'a"b' }],
    ['the header twice', ['Authorization', 'Bearer abc', 'authorization', 'Bearer def'], 'repeated'],
    ['the same token twice', ['Authorization', 'Bearer abc', 'Authorization', 'Bearer abc'], 'repeated'],
    ['a second header of another scheme', ['Authorization', 'Bearer abc', 'Authorization', 'Basic YTpi'], 'repeated'],
    ['a name that only ends alike', ['Proxy-Authorization', 'Bearer abc'], 'none'],
    ['a value that is no name', ['X-A', 'authorization', 'X-B', 'Bearer abc'], 'none'],
    ['a name without a value', ['Host', 'a', 'Authorization'], 'none'],
  ])('%s', (_what, headers, expected) => {
    expect(extractToken(headers)).toEqual(expected)
  })

  test('answers whatever it is given', () => {
    fc.assert(fc.property(fc.array(fc.string()), (headers) => void extractToken(headers)))
  })
})

describe('a token from other places', () => {
  const sources = [
    { header: 'authorization' },
    { header: 'X-Token' },
    { query: 'access_token' },
    { cookie: 'sid' },
    { form: 'access_token' },
  ]
  const extract = createExtractToken(sources)
  const form = ['content-type', 'application/x-www-form-urlencoded; charset=utf-8']
  const found = (request: Partial<DecisionRequest>) => extract({ method: 'POST', uri: '/', headers: [], ...request })

  test.each<[what: string, request: Partial<DecisionRequest>, expected: ReturnType<ExtractToken>]>([
    ['a header', { headers: ['x-token', 'abc'] }, { token: 'abc' }],
    ['a header with a scheme', { headers: ['x-token', 'Bearer abc'] }, { token: 'Bearer abc' }],
    ['a header twice', { headers: ['x-token', 'abc', 'X-Token', 'abc'] }, 'repeated'],
    ['the query', { uri: '/a?b=c&access_token=abc' }, { token: 'abc' }],
    ['the query, encoded', { uri: '/a?access%5Ftoken=a%2Bc' }, { token: 'a+c' }],
    ['the query twice', { uri: '/a?access_token=abc&access_token=abc' }, 'repeated'],
    ['an empty parameter', { uri: '/a?access_token=' }, { token: '' }],
    ['another parameter', { uri: '/a?Access_Token=abc' }, 'none'],
    ['a cookie', { headers: ['cookie', 'a=b; sid=abc; c=d'] }, { token: 'abc' }],
    ['a cookie with spaces around its name', { headers: ['cookie', 'a=b ; sid =abc'] }, { token: 'abc' }],
    ['a quoted cookie', { headers: ['cookie', 'sid="abc"'] }, { token: 'abc' }],
    ['a cookie twice', { headers: ['cookie', 'sid=abc; sid=def'] }, 'repeated'],
    ['a cookie in two headers', { headers: ['cookie', 'sid=abc', 'Cookie', 'sid=abc'] }, 'repeated'],
    ['a cookie of another name', { headers: ['cookie', 'xsid=abc; SID=abc'] }, 'none'],
    ['a form', { headers: form, body: 'a=b&access_token=abc' }, { token: 'abc' }],
    ['a form of another type', { headers: ['content-type', 'text/plain'], body: 'access_token=abc' }, 'none'],
    [
      'a form whose type only begins so',
      { headers: ['content-type', `${form[1]?.split(';')[0]}ish`], body: 'access_token=abc' },
      'none',
    ],
    ['a form of two types', { headers: [...form, ...form], body: 'access_token=abc' }, 'none'],
    ['a form that a GET has', { method: 'GET', headers: form, body: 'access_token=abc' }, 'none'],
    ['two places', { uri: '/?access_token=abc', headers: ['authorization', 'Bearer abc'] }, 'repeated'],
    ['two places, one with no token', { uri: '/?access_token=abc', headers: ['cookie', 'sid=a b'] }, 'repeated'],
    ['no place', {}, 'none'],
  ])('%s', (_what, request, expected) => {
    expect(found(request)).toEqual(expected)
  })

  test('each is off unless it is configured', () => {
    const request = {
      method: 'POST',
      uri: '/?access_token=a',
      headers: ['x-token', 'a', 'cookie', 'sid=a', ...form],
      body: 'access_token=a',
    }
    expect(createExtractToken([{ header: 'authorization' }])(request)).toBe('none')
    for (const source of sources.slice(1)) expect(createExtractToken([source])(request)).toEqual({ token: 'a' })
  })

  test('is one that stands there whole, and the only one', () => {
    const token = fc.constantFrom('abc', 'a+c', 'a%2Bc', 'a b', 'a,b', '"abc"', '', 'Zoë', 'a=b', 'abc==')
    const names = fc.constantFrom('access_token', 'Access_Token', 'access%5Ftoken', 'sid', 'other')
    const parameters = fc
      .array(fc.tuple(names, token), { maxLength: 3 })
      .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`))
    const header = fc.oneof(
      token.map((value) => ['Authorization', `Bearer ${value}`]),
      token.map((value) => ['x-token', value]),
      parameters.map((pairs) => ['cookie', pairs.join('; ')]),
    )
    const requests = fc.record({
      headers: fc.array(header, { maxLength: 3 }).map((pairs) => [...form, ...pairs.flat()]),
      uri: parameters.map((pairs) => `/?${pairs.join('&')}`),
      body: parameters.map((pairs) => pairs.join('&')),
    })
    /** How many tokens others may see there, whatever they think of their form. */
    const seen = ({ headers, uri, body }: { headers: string[]; uri: string; body: string }) => {
      const of = (name: string) => headers.filter((_value, index) => index % 2 === 1 && headers[index - 1] === name)
      const cookies = of('cookie')
        .flatMap((value) => value.split('; '))
        .filter((pair) => pair.startsWith('sid='))
      const inForms = [uri.slice(2), body].flatMap((text) => new URLSearchParams(text).getAll('access_token'))
      return [...of('Authorization'), ...of('x-token'), ...cookies, ...inForms]
    }
    fc.assert(
      fc.property(requests, (request) => {
        const [only, ...more] = seen(request)
        const extraction = found(request)
        if (more.length > 0) expect(extraction).toBe('repeated')
        else if (only === undefined) expect(extraction).toBe('none')
        else expect(extraction).toEqual({ token: expect.stringMatching(/^/) })
        if (typeof extraction === 'object') expect(only).toContain(extraction.token)
      }),
      { numRuns: 3_000 },
    )
  })

  test('answers whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string()),
        fc.string(),
        fc.string(),
        (headers, uri, body) => void found({ headers, uri, body }),
      ),
    )
  })
})
