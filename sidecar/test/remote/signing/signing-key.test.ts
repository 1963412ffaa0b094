import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readSharedKey, readSigningKey } from '../../../src/remote/signing/signing-key.ts'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey
const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8') =>
  key.export({ type, format: 'pem' }).toString()
const jwk = (key: KeyObject, more: object = {}) => JSON.stringify({ ...key.export({ format: 'jwk' }), ...more })
const rsaKey = rsa(2_048)

describe('a private key', () => {
  test.each([
    ['P-256', pem(ec('P-256')), 'ES256'],
    ['P-256 as SEC1', pem(ec('P-256'), 'sec1'), 'ES256'],
    ['P-384', pem(ec('P-384')), 'ES384'],
    ['P-521', pem(ec('P-521')), 'ES512'],
    ['RSA', pem(rsaKey), 'RS256'],
    ['RSA as PKCS #1', pem(rsaKey, 'pkcs1'), 'RS256'],
    ['Ed25519', pem(generateKeyPairSync('ed25519').privateKey), 'EdDSA'],
    ['a JWK', jwk(ec('P-256')), 'ES256'],
  ])('of %s has its usual algorithm', (_kind, text, algorithm) => {
    expect(readSigningKey(text)).toMatchObject({ algorithm, kid: undefined })
  })

  test('says in its JWK how it is called and used, unless the configuration does', () => {
    const text = jwk(rsaKey, { kid: 'mine', alg: 'PS256' })
    expect(readSigningKey(text)).toMatchObject({ kid: 'mine', algorithm: 'PS256' })
    expect(readSigningKey(text, { kid: 'other', algorithm: 'RS512' })).toMatchObject({
      kid: 'other',
      algorithm: 'RS512',
    })
  })

  test.each([
    ['an algorithm of other keys', () => readSigningKey(pem(ec('P-256')), { algorithm: 'RS256' }), 'RS256'],
    ['a curve that is not known', () => readSigningKey(pem(ec('secp256k1'))), 'any algorithm'],
    ['a short RSA key', () => readSigningKey(pem(rsa(1_024))), 'any algorithm'],
    ['a secret for an algorithm of longer ones', () => readSharedKey('x'.repeat(32), 'HS512'), 'HS512'],
  ])('is refused: %s', (_case, read, reason) => {
    expect(read).toThrow(reason)
  })

  test.each([
    '{"kty":"EC","d":"hidden"}',
    '{"kid": hidden',
    'hidden',
    '-----BEGIN PRIVATE KEY-----\nhidden',
    '[]',
    '{}',
  ])('that is none is not quoted: %s', (text) => {
    let thrown: unknown
    try {
      readSigningKey(text)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(Error)
    expect(String(thrown)).not.toContain('hidden')
    expect((thrown as Error).cause).toBeUndefined()
  })
})
