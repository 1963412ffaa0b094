import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dpopAlgorithms, dpopChallenge, normalizeHttpUri, parseDpopToken, readDpopProof } from '../src/dpop.ts'

const x = 'a'.repeat(42).concat('A')
const ec = { kty: 'EC', crv: 'P-256', x, y: x }
const rsa = { kty: 'RSA', n: 'b'.repeat(342), e: 'AQAB' }
const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: ec }
const claims = { jti: 'one', htm: 'POST', htu: 'https://as.example/token', iat: 1 }

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const proof = (head: unknown, payload: unknown) => `${encode(head)}.${encode(payload)}.AAAA`

describe('readDpopProof', () => {
  test('reads key and claims', () => {
    expect(readDpopProof(proof(header, { ...claims, nonce: 'n', ath: 'h', more: 1 }))).toEqual({
      algorithm: 'ES256',
      jwk: ec,
      claims: { ...claims, nonce: 'n', ath: 'h', more: 1 },
    })
    const okp = { kty: 'OKP', crv: 'Ed25519', x }
    for (const [alg, jwk] of [['RS256', rsa] as const, ['PS256', rsa] as const, ['Ed25519', okp] as const]) {
      expect(readDpopProof(proof({ ...header, alg, jwk }, claims))).toEqual({ algorithm: alg, jwk, claims })
    }
  })

  const wrongHeaders: [string, Record<string, unknown>][] = [
    ['a type of its own', { typ: 'JWT' }],
    ['a type in other letters', { typ: 'DPoP+JWT' }],
    ['a type with its prefix', { typ: 'application/dpop+jwt' }],
    ['no type', { typ: undefined }],
    ['alg none', { alg: 'none' }],
    ['a symmetric algorithm', { alg: 'HS256' }],
    ['a symmetric key', { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }],
    ['an unknown algorithm', { alg: 'ES256K' }],
    ['algorithms in a list', { alg: ['ES256'] }],
    ['no key', { jwk: undefined }],
    ['a key as text', { jwk: JSON.stringify(ec) }],
    ['keys in a list', { jwk: [ec] }],
    ['a key by its id', { jwk: undefined, kid: 'k' }],
    ['a key behind a URL', { jwk: undefined, jku: 'https://attacker.example/jwks' }],
    ['a certificate in place of the key', { jwk: undefined, x5c: ['AAAA'] }],
    ['crit', { crit: ['exp'], exp: 1 }],
    ['an empty crit', { crit: [] }],
    ['a short RSA key', { alg: 'RS256', jwk: { ...rsa, n: 'b'.repeat(171) } }],
    ['an overlong RSA key', { alg: 'RS256', jwk: { ...rsa, n: 'b'.repeat(700) } }],
    ['a costly RSA exponent', { alg: 'RS256', jwk: { ...rsa, e: 'b'.repeat(300) } }],
    ['coordinates with padding', { jwk: { ...ec, x: `${x}=` } }],
  ]
  test.each(wrongHeaders)('refuses %s', (_, change) => {
    expect(readDpopProof(proof({ ...header, ...change }, claims))).toBeUndefined()
  })

  test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('refuses a key with the private member %s', (member) => {
    for (const value of ['AAAA', null, []]) {
      expect(readDpopProof(proof({ ...header, jwk: { ...ec, [member]: value } }, claims))).toBeUndefined()
      expect(
        readDpopProof(proof({ ...header, alg: 'RS256', jwk: { ...rsa, [member]: value } }, claims)),
      ).toBeUndefined()
    }
  })

  const wrongClaims: [string, Record<string, unknown>][] = [
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['an overlong jti', { jti: 'a'.repeat(257) }],
    ['a jti that is a number', { jti: 1 }],
    ['no htm', { htm: undefined }],
    ['htm in a list', { htm: ['POST', 'GET'] }],
    ['no htu', { htu: undefined }],
    ['htu in a list', { htu: ['https://as.example/token'] }],
    ['htu as an object', { htu: { href: 'https://as.example/token' } }],
    ['no iat', { iat: undefined }],
    ['iat as text', { iat: '1' }],
    ['ath in a list', { ath: ['h'] }],
    ['nonce in a list', { nonce: ['n'] }],
    ['nonce null', { nonce: null }],
  ]
  test.each(wrongClaims)('refuses %s', (_, change) => {
    expect(readDpopProof(proof(header, { ...claims, ...change }))).toBeUndefined()
  })

  test('refuses an oversized one before it is decoded', () => {
    expect(readDpopProof(proof(header, { ...claims, more: 'a'.repeat(4_096) }))).toBeUndefined()
  })

  test('refuses several in one', () => {
    const one = proof(header, claims)
    for (const several of [`${one}, ${one}`, `${one},${one}`, `${one} `, `${one}.${one}`]) {
      expect(readDpopProof(several)).toBeUndefined()
    }
  })

  test('takes any text, and only answers with what it promises', () => {
    const member = fc.oneof(fc.constantFrom('ES256', 'dpop+jwt', 'EC', x, 'POST'), fc.jsonValue())
    const names = ['typ', 'alg', 'jwk', 'kty', 'jti', 'htm', 'htu', 'iat', 'crit']
    const object = fc.dictionary(fc.constantFrom(...names), member)
    fc.assert(
      fc.property(object, object, (head, payload) => {
        const read = readDpopProof(proof({ ...header, ...head }, { ...claims, ...payload }))
        if (read) expect([typeof read.claims.htu, typeof read.claims.iat]).toEqual(['string', 'number'])
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => readDpopProof(text) === undefined))
  })
})

describe('normalizeHttpUri', () => {
  const uri = 'https://as.example/a/token'
  test.each([
    'https://as.example/a/token',
    'HTTPS://AS.Example/a/token',
    'https://as.example:443/a/token',
    'https://as.example/a/token?x=y',
    'https://as.example/a/token#x',
    'https://as.example/a/token?x#y?z',
    'https://as.example/a/./b/../token',
    'https://as.example/%61/tok%65n',
    'https://as.example/b/%2e%2E/a/token',
  ])('%s is the same', (text) => expect(normalizeHttpUri(text)).toBe(uri))

  test.each([
    'http://as.example/a/token',
    'https://as.example:8443/a/token',
    'https://as.example/a/token/',
    'https://as.example/A/token',
    'https://as.example//a/token',
    'https://as.example.attacker.example/a/token',
    'https://as.example/a%2Ftoken',
    'https://as.example/',
  ])('%s is another', (text) => {
    expect(normalizeHttpUri(text)).toEqual(expect.any(String))
    expect(normalizeHttpUri(text)).not.toBe(uri)
  })

  test.each([
    '',
    'as.example/a/token',
    '/a/token',
    '//as.example/a/token',
    'https:/as.example/a/token',
    'https:///as.example/a/token',
    'https:\\\\as.example\\a\\token',
    'https://as.example\\a/token',
    'ftp://as.example/a/token',
    'https://user@as.example/a/token',
    'https://user:password@as.example/a/token',
    'https://@as.example/a/token',
    ' https://as.example/a/token',
    'https://as.example/a/token\n',
    'https://as.ex\tample/a/token',
    'https://äs.example/a/token',
    'https://as.example:99999/a/token',
    'urn:as',
  ])('%j is none', (text) => expect(normalizeHttpUri(text)).toBeUndefined())

  test('keeps what is encoded for a reason, in capitals, and an empty path is the root', () => {
    expect(normalizeHttpUri('https://as.example/a%2fb%7e')).toBe('https://as.example/a%2Fb~')
    expect(normalizeHttpUri('https://as.example')).toBe('https://as.example/')
    expect(normalizeHttpUri('https://as.example?x')).toBe('https://as.example/')
  })

  test('normalizes once', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        const once = normalizeHttpUri(text)
        if (once !== undefined) expect(normalizeHttpUri(once)).toBe(once)
      }),
    )
  })
})

describe('the DPoP scheme', () => {
  test('takes a token as Bearer does', () => {
    expect(parseDpopToken('dpop a.b')).toEqual({ token: 'a.b' })
    expect(parseDpopToken('Bearer a')).toBe('none')
    expect(parseDpopToken('DPoP a b')).toBe('malformed')
  })

  test('challenges with the algorithms', () => {
    const algs = `algs="${dpopAlgorithms.join(' ')}"`
    expect(dpopChallenge({})).toBe(`DPoP ${algs}`)
    expect(dpopChallenge({ realm: 'r', error: 'use_dpop_nonce', description: 'd' })).toBe(
      `DPoP realm="r", error="use_dpop_nonce", error_description="d", ${algs}`,
    )
  })
})
