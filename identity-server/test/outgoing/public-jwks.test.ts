import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkPublicJwks, usableKeys } from '../../src/outgoing/public-jwks.ts'
import { createJwkPair } from '../support/jwk-pair.ts'

const jwkOf = (key: { export(options: { format: 'jwk' }): object }) => key.export({ format: 'jwk' })
const ec = (namedCurve: string) => jwkOf(generateKeyPairSync('ec', { namedCurve }).publicKey)
const rsa = (modulusLength: number) => jwkOf(generateKeyPairSync('rsa', { modulusLength }).publicKey)
const ed25519 = jwkOf(generateKeyPairSync('ed25519').publicKey)
const good = ec('P-256')
const { publicJwk, privateJwk } = await createJwkPair('k')
const rsaPrivate = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey)

describe('keys that are accepted', () => {
  test.each([
    ['P-256', good],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
    ['Ed25519', ed25519],
    ['RSA of 2048 bits', rsa(2_048)],
    ['RSA of 4096 bits', rsa(4_096)],
    ['with its name and use', { ...publicJwk, use: 'sig', key_ops: ['verify'] }],
    ['with members that nobody knows', { ...good, x5c: ['…'], 'x5t#S256': 'a', iat: 1 }],
  ])('%s', (_what, jwk) => {
    expect(checkPublicJwks({ keys: [jwk] })).toBeUndefined()
    expect(usableKeys({ keys: [jwk] })).toHaveLength(1)
  })

  test('lose members that are not needed', () => {
    expect(usableKeys({ keys: [{ ...good, x5c: ['…'], iat: 1 }] })).toEqual([good])
  })
})

describe('keys that are not', () => {
  test.each<[string, string, object]>([
    ['a private EC key', 'secret_key', privateJwk],
    ['a private RSA key', 'secret_key', rsaPrivate],
    ['an RSA key with one private member', 'secret_key', { ...rsa(2_048), dp: 'AQ' }],
    ['a symmetric key', 'secret_key', { kty: 'oct', k: 'c2VjcmV0' }],
    ['a symmetric key with the name of another type', 'secret_key', { ...good, k: 'c2VjcmV0' }],
    ['RSA of 1024 bits', 'unusable_key', rsa(1_024)],
    ['RSA of 1024 bits, with zeros in front', 'unusable_key', padded(rsa(1_024))],
    ['RSA with a huge exponent', 'unusable_key', { ...rsa(2_048), e: 'A'.repeat(300) }],
    ['RSA with a huge modulus', 'unusable_key', { ...rsa(2_048), n: 'A'.repeat(3_000) }],
    ['a curve that JWS algorithms of ours do not have', 'unusable_key', ec('secp256k1')],
    ['a key to agree on secrets', 'unusable_key', jwkOf(generateKeyPairSync('x25519').publicKey)],
    ['a point beside the curve', 'unusable_key', { ...good, x: 'A'.repeat(43) }],
    ['a key to encrypt', 'unusable_key', { ...good, use: 'enc' }],
    ['an unknown type', 'unusable_key', { kty: 'AKP', pub: 'AA' }],
    ['no type', 'unusable_key', {}],
    ['a name that is no text', 'unusable_key', { ...good, kid: 1 }],
  ])('%s', (_what, problem, jwk) => {
    expect(checkPublicJwks({ keys: [good, jwk] })).toBe(problem)
    expect(usableKeys({ keys: [jwk, good] })).toEqual([good])
  })

  function padded(jwk: object) {
    const n = Buffer.concat([Buffer.alloc(128), Buffer.from(String((jwk as { n: string }).n), 'base64url')])
    return { ...jwk, n: n.toString('base64url') }
  }
})

test.each([
  ['nothing', undefined],
  ['null', null],
  ['a list', [good]],
  ['a key', good],
  ['keys that are no list', { keys: good }],
  ['keys that are no objects', { keys: ['a'] }],
  ['too many keys', { keys: Array.from({ length: 33 }, () => good) }],
])('%s is no JWK Set', (_what, jwks) => {
  expect(checkPublicJwks(jwks)).toBe('malformed')
  expect(usableKeys(jwks)).toBeUndefined()
})

test('an empty set cannot be stored, but a host may have withdrawn all keys', () => {
  expect(checkPublicJwks({ keys: [] })).toBe('malformed')
  expect(usableKeys({ keys: [] })).toEqual([])
})

test('any JSON is a set of accepted keys, or none', () => {
  const jwk = fc.oneof(
    fc.dictionary(fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'd', '__proto__'), fc.jsonValue()),
    fc.jsonValue(),
    fc.constant(good),
  )
  fc.assert(
    fc.property(fc.oneof(fc.record({ keys: fc.array(jwk) }), fc.jsonValue()), (jwks) => {
      for (const key of usableKeys(jwks) ?? []) expect(key).toEqual(good)
      checkPublicJwks(jwks)
    }),
    { numRuns: 1_000 },
  )
})
