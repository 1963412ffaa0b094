import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readJwkSet } from '../../../src/remote/jwt/jwk-set.ts'

const jwkOf = ({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }) => ({
  privateKey,
  jwk: publicKey.export({ format: 'jwk' }),
})
const ec = (namedCurve: string) => jwkOf(generateKeyPairSync('ec', { namedCurve }))
const p256 = ec('P-256')
const p384 = ec('P-384')
const p521 = ec('P-521')
const rsaOf = (modulusLength: number) => jwkOf(generateKeyPairSync('rsa', { modulusLength }))
const rsa = rsaOf(2_048)
const ed25519 = jwkOf(generateKeyPairSync('ed25519'))
const input = Buffer.from('what is signed')

const verifies = (jwk: object, algorithm: string, signature: Buffer) =>
  readJwkSet({ keys: [{ ...jwk, kid: 'k' }] })
    ?.candidates(algorithm, 'k')
    .some((verify) => verify(input, signature)) ?? false
const usable = (jwk: object) => readJwkSet({ keys: [jwk] }) !== undefined

describe('a signature', () => {
  const ecdsa = { dsaEncoding: 'ieee-p1363' } as const
  const pss = { padding: 6, saltLength: -1 } as const
  const cases: [algorithm: string, jwk: object, signature: Buffer][] = [
    ['ES256', p256.jwk, sign('sha256', input, { key: p256.privateKey, ...ecdsa })],
    ['ES384', p384.jwk, sign('sha384', input, { key: p384.privateKey, ...ecdsa })],
    ['ES512', p521.jwk, sign('sha512', input, { key: p521.privateKey, ...ecdsa })],
    ['RS256', rsa.jwk, sign('sha256', input, rsa.privateKey)],
    ['RS384', rsa.jwk, sign('sha384', input, rsa.privateKey)],
    ['RS512', rsa.jwk, sign('sha512', input, rsa.privateKey)],
    ['PS256', rsa.jwk, sign('sha256', input, { key: rsa.privateKey, ...pss })],
    ['PS384', rsa.jwk, sign('sha384', input, { key: rsa.privateKey, ...pss })],
    ['PS512', rsa.jwk, sign('sha512', input, { key: rsa.privateKey, ...pss })],
    ['EdDSA', ed25519.jwk, sign(null, input, ed25519.privateKey)],
  ]
  test.each(cases)('of %s is verified by its own algorithm and no other', (algorithm, jwk, signature) => {
    for (const [other] of cases) expect(verifies(jwk, other, signature), other).toBe(other === algorithm)
    expect(verifies(jwk, 'none', signature)).toBe(false)
    expect(verifies(jwk, 'HS256', signature)).toBe(false)
    expect(verifies({ ...jwk, alg: algorithm }, algorithm, signature)).toBe(true)
    for (let index = 0; index < signature.length; index += 7) {
      const changed = Buffer.from(signature)
      changed[index] = (changed[index] ?? 0) ^ 1
      expect(verifies(jwk, algorithm, changed)).toBe(false)
    }
  })

  test('of Ed25519 is verified by that name and by its older one, unless the key says which', () => {
    const [, jwk, signature] = cases.at(-1) ?? ['', {}, input]
    expect(verifies(jwk, 'Ed25519', signature)).toBe(true)
    expect(verifies({ ...jwk, alg: 'Ed25519' }, 'Ed25519', signature)).toBe(true)
    expect(verifies({ ...jwk, alg: 'Ed25519' }, 'EdDSA', signature)).toBe(false)
    expect(verifies({ ...jwk, alg: 'EdDSA' }, 'Ed25519', signature)).toBe(false)
    const ed448 = jwkOf(generateKeyPairSync('ed448'))
    for (const name of ['EdDSA', 'Ed25519'])
      expect(verifies(ed448.jwk, name, sign(null, input, ed448.privateKey))).toBe(false)
  })

  test('of ES256 in DER, cut off, lengthened, empty, or of zeros is none', () => {
    const [, , good] = cases[0] ?? []
    const der = sign('sha256', input, p256.privateKey)
    for (const bad of [der, good?.subarray(1), good?.subarray(0, 63), Buffer.concat([good ?? der, Buffer.of(0)])]) {
      expect(verifies(p256.jwk, 'ES256', bad ?? der)).toBe(false)
    }
    for (const length of [0, 64]) expect(verifies(p256.jwk, 'ES256', Buffer.alloc(length))).toBe(false)
  })
})

describe('a key is passed over that', () => {
  const weak = rsaOf(1_024).jwk
  const secp256k1 = ec('secp256k1').jwk
  test.each<[what: string, jwk: object]>([
    ['encrypts', { ...p256.jwk, use: 'enc' }],
    ['signs only', { ...p256.jwk, key_ops: ['sign'] }],
    ['has malformed operations', { ...p256.jwk, key_ops: 'verify' }],
    ['is for another algorithm than its kind can do', { ...p256.jwk, alg: 'RS256' }],
    ['is for an algorithm that is not accepted', { ...rsa.jwk, alg: 'RSA-OAEP' }],
    ['is symmetric', { kty: 'oct', k: 'c2VjcmV0' }],
    ['is a short RSA key', weak],
    ['is of a curve that no algorithm has', secp256k1],
    ['is no point of its curve', { ...p256.jwk, y: p384.jwk.y }],
    ['is of an unknown kind', { kty: 'PQ', x: 'AAAA' }],
    ['has no kind', { crv: 'P-256', x: p256.jwk.x, y: p256.jwk.y }],
    ['has a kid that is no text', { ...p256.jwk, kid: 1 }],
  ])('%s', (_what, jwk) => {
    expect(usable(jwk)).toBe(false)
    expect(readJwkSet({ keys: [jwk, 'x', null, p256.jwk] })?.candidates('ES256', undefined)).toHaveLength(1)
  })

  test('and one is used that is meant for signatures, in whichever way it says so', () => {
    for (const more of [{}, { use: 'sig' }, { key_ops: ['verify'] }, { key_ops: ['sign', 'verify'], alg: 'ES256' }]) {
      expect(usable({ ...p256.jwk, ...more })).toBe(true)
    }
  })
})

describe('a set', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', [p256.jwk]],
    ['keys that are no list', { keys: {} }],
    ['no keys', { keys: [] }],
    ['too many keys', { keys: Array(501).fill(p256.jwk) }],
  ])('is none that is %s', (_what, json) => {
    expect(readJwkSet(json)).toBeUndefined()
  })

  test('tells keys apart by kid and algorithm, and tries four at most', () => {
    const named = (jwk: object, kid: string) => ({ ...jwk, kid })
    const set = readJwkSet({
      keys: [named(p256.jwk, 'a'), named(rsa.jwk, 'a'), ...Array(9).fill(named(p256.jwk, 'b'))],
    })
    expect(set?.candidates('ES256', 'a')).toHaveLength(1)
    expect(set?.candidates('RS256', 'a')).toHaveLength(1)
    expect(set?.candidates('ES256', 'b')).toHaveLength(4)
    expect(set?.candidates('ES256', undefined)).toHaveLength(4)
    expect(set?.candidates('ES256', 'c')).toEqual([])
    expect(set?.candidates('ES256', '__proto__')).toEqual([])
  })
})
