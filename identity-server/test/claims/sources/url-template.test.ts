import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileUrl } from '../../../src/claims/sources/url-template.ts'
import { context } from '../context.ts'

const template =
  'https://directory.example/v1/users/${subject}/groups?tenant=${organization.id}&level=${subject_token.level}'
const make = (url: string, members: Record<string, unknown> = {}) =>
  compileUrl(url).make({ ...context, attributes: {}, ...members }, { left: 1_000 })

describe('URL templates', () => {
  test('values stand where the expressions stood', () => {
    expect(make(template)).toBe('https://directory.example/v1/users/alice/groups?tenant=acme-eu&level=3')
    expect(compileUrl(template).origin).toBe('https://directory.example/')
  })

  test.each(['../admin', 'a/b', 'a?b', 'a#b', 'a&b=c', 'a%2fb', 'a b', 'ä', 'a\r\nHost: x', '\\', '@evil', '%2e%2e'])(
    '%j cannot break out of its place',
    (subject) => {
      const url = new URL(make(template, { subject }))
      expect(url.origin).toBe('https://directory.example')
      expect(url.pathname.split('/')).toHaveLength(5)
      expect(decodeURIComponent(url.pathname.split('/')[3] ?? '')).toBe(subject)
      expect([...url.searchParams.keys()]).toEqual(['tenant', 'level'])
    },
  )

  test.each<[subject: string, code: string]>([
    ['.', 'dots_in_url'],
    ['..', 'dots_in_url'],
    ['', 'empty_in_url'],
    ['\ud800', 'broken_text'],
  ])('%j is refused', (subject, code) => {
    expect(() => make(template, { subject })).toThrow(expect.objectContaining({ code }))
  })

  test('dots that only two expressions make together are refused', () => {
    const url = 'https://directory.example/${subject}${grant}/x'
    expect(() => make(url, { subject: '.', grant: '.' })).toThrow(expect.objectContaining({ code: 'dots_in_url' }))
    expect(() => make('https://directory.example/.${subject}', { subject: '.' })).toThrow()
  })

  test.each([
    '${subject}',
    'https://${subject}/x',
    'https://directory.example',
    'https://directory.example${subject}',
    'https://directory.example:${subject}/',
    'ftp://directory.example/',
    '//directory.example/',
    '',
  ])('%s is refused: the origin is fixed', (url) => {
    expect(() => compileUrl(url)).toThrow(expect.objectContaining({ code: 'no_fixed_origin' }))
  })

  test.each(['${subject_token.address}', '${scopes}', '${null}'])('%s is no part of a URL', (part) => {
    expect(() => make(`https://directory.example/${part}`)).toThrow(
      expect.objectContaining({ name: 'ExpressionError' }),
    )
  })

  test('whatever the value, the path has as many steps as the template', () => {
    fc.assert(
      fc.property(fc.string(), (subject) => {
        try {
          const url = new URL(make('https://directory.example/users/${subject}/groups', { subject }))
          expect(url.pathname.split('/')).toEqual(['', 'users', encodeURIComponent(subject), 'groups'])
          expect(url.search + url.hash).toBe('')
        } catch (error) {
          expect(error).toMatchObject({ name: 'ExpressionError' })
        }
      }),
    )
  })
})
