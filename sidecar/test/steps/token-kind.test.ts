import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokenKind } from '../../src/steps/token-kind.ts'

const segment = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const header = segment({ alg: 'ES256' })

describe('tokenKind', () => {
  test('a JWT claims an issuer', () => {
    expect(tokenKind(`${header}.${segment({ iss: 'a' })}.AAAA`)).toMatchObject({
      kind: 'jwt',
      issuer: 'a',
      jwt: { payload: { iss: 'a' } },
    })
  })

  test.each<[what: string, token: string]>([
    ['no issuer', `${header}.${segment({})}.AAAA`],
    ['an issuer that is no text', `${header}.${segment({ iss: 1 })}.AAAA`],
    ['a payload that is no JSON', `${header}.${segment('not json')}.AAAA`],
    ['a payload that is no object', `${header}.${segment([1])}.AAAA`],
  ])('a JWT with %s claims none', (_what, token) => {
    expect(tokenKind(token)).toMatchObject({ kind: 'jwt', issuer: undefined })
  })

  test.each<[what: string, token: string]>([
    ['one segment', 'abc'],
    ['two segments', 'abc.def'],
    ['four segments', `${header}.a.b.c`],
    ['an empty signature', `${header}.${segment({ iss: 'a' })}.`],
    ['a header that is no JSON', 'abc.def.ghi'],
    ['a header without alg', `${segment({ typ: 'at+jwt' })}.${segment({ iss: 'a' })}.AAAA`],
    ['other signs', `${header}.a+b.AAAA`],
  ])('%s: opaque', (_what, token) => {
    expect(tokenKind(token)).toEqual({ kind: 'opaque' })
  })

  test('answers whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (token) => void tokenKind(token)))
    const triple = fc.tuple(fc.base64String(), fc.base64String(), fc.base64String())
    fc.assert(fc.property(triple, (parts) => void tokenKind(parts.map((part) => part.replaceAll('=', '')).join('.'))))
  })
})
