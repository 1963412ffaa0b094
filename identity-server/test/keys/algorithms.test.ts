import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { signatureParameters, signingAlgorithms } from '../../src/keys/algorithms.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { createVerifier } from '../../src/keys/verifier.ts'
import { signatureVectors } from '../support/signature-vectors.ts'

const publicJwkOf = (key: KeyObject) => createPublicKey(key).export({ format: 'jwk' })
const fromJwk = (jwk: Record<string, string>) => createPrivateKey({ key: jwk, format: 'jwk' })

/** One key for each algorithm. */
const keys: Record<string, KeyObject> = Object.fromEntries(
  signatureVectors.map(({ algorithm, privateJwk }) => [algorithm, fromJwk(privateJwk)]),
)
const keyOf = (algorithm: string): KeyObject => {
  const key = keys[algorithm]
  if (!key) throw new Error(`no vector for ${algorithm}`)
  return key
}
const verifierOf = (algorithm: string) =>
  createVerifier([{ kid: 'k1', algorithm, publicJwk: publicJwkOf(keyOf(algorithm)) }], 'at+jwt')
const signerOf = (algorithm: string) => createSigner('k1', algorithm, keyOf(algorithm).export({ format: 'jwk' }))

describe.each(signingAlgorithms)('%s', (algorithm) => {
  test('verifies what an implementation signed that shares nothing with ours', async () => {
    const vector = signatureVectors.find((one) => one.algorithm === algorithm)
    expect(await verifierOf(algorithm)(vector?.token ?? '')).toEqual({ sub: 'Zoë' })
  })

  test('jose verifies what we sign, and we verify what jose signs', async () => {
    const key = await importJWK(publicJwkOf(keyOf(algorithm)), algorithm)
    const ours = await signerOf(algorithm).sign('at+jwt', { sub: 'Zoë' })
    const { payload, protectedHeader } = await jwtVerify(ours, key, { algorithms: [algorithm] })
    expect([payload, protectedHeader]).toEqual([{ sub: 'Zoë' }, { alg: algorithm, typ: 'at+jwt', kid: 'k1' }])

    const privateKey = await importJWK(keyOf(algorithm).export({ format: 'jwk' }), algorithm)
    const theirs = await new SignJWT({ sub: 'Zoë' })
      .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid: 'k1' })
      .sign(privateKey)
    expect(await verifierOf(algorithm)(theirs)).toEqual({ sub: 'Zoë' })
  })

  test('refuses a signature with any bit of it changed', async () => {
    const [header = '', payload = '', signature = ''] = (await signerOf(algorithm).sign('at+jwt', {})).split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const verify = verifierOf(algorithm)
    expect(await verify(`${header}.${payload}.${signature}`)).toEqual({})
    for (const index of [0, 1, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[index] = (changed[index] ?? 0) ^ 0x01
      expect(await verify(`${header}.${payload}.${changed.toString('base64url')}`)).toBeUndefined()
    }
    for (const wrong of [Buffer.alloc(0), Buffer.alloc(bytes.length), Buffer.concat([Buffer.alloc(1), bytes])]) {
      expect(await verify(`${header}.${payload}.${wrong.toString('base64url')}`)).toBeUndefined()
    }
  })

  test('takes no key of another algorithm, which would sign under a false name (algorithm confusion)', async () => {
    const others = signatureVectors.filter((one) => kindOf(fromJwk(one.privateJwk)) !== kindOf(keyOf(algorithm)))
    expect(others.length).toBeGreaterThan(2)
    for (const { privateJwk } of others) {
      const key = fromJwk(privateJwk)
      expect(() => createSigner('k1', algorithm, privateJwk)).toThrow(`the key is none of ${algorithm}`)
      expect(() => createVerifier([{ kid: 'k1', algorithm, publicJwk: publicJwkOf(key) }], 'at+jwt')).toThrow('none of')
    }
  })
})

/** RS256 and PS256 take the same keys; which of the two a key is for stands beside it. */
const kindOf = (key: KeyObject) => `${key.asymmetricKeyType} ${key.asymmetricKeyDetails?.namedCurve}`

describe('deterministic algorithms', () => {
  test.each(['RS256', 'EdDSA'])('%s signs to the letter as the other implementation did', async (algorithm) => {
    const vector = signatureVectors.find((one) => one.algorithm === algorithm)
    expect(await signerOf(algorithm).sign('at+jwt', { sub: 'Zoë' })).toBe(vector?.token)
  })
})

describe('RSA', () => {
  test('with PSS has a salt as long as the hash, and no other (RFC 7518 section 3.5)', async () => {
    const [header, payload] = (await signerOf('PS256').sign('at+jwt', {})).split('.')
    const signed = (saltLength: number) => {
      const key = { key: keyOf('PS256'), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
      return `${header}.${payload}.${sign('sha256', Buffer.from(`${header}.${payload}`), key).toString('base64url')}`
    }
    expect(await verifierOf('PS256')(signed(32))).toEqual({})
    for (const saltLength of [0, 20, 31, 33, 222]) expect(await verifierOf('PS256')(signed(saltLength))).toBeUndefined()
  })

  test('refuses the padding of the one algorithm under the name of the other', async () => {
    const [, payload] = (await signerOf('RS256').sign('at+jwt', {})).split('.')
    for (const [algorithm, padding] of [
      ['RS256', constants.RSA_PKCS1_PSS_PADDING],
      ['PS256', constants.RSA_PKCS1_PADDING],
    ] as const) {
      const [header] = (await signerOf(algorithm).sign('at+jwt', {})).split('.')
      const signature = sign('sha256', Buffer.from(`${header}.${payload}`), { key: keyOf(algorithm), padding })
      expect(await verifierOf(algorithm)(`${header}.${payload}.${signature.toString('base64url')}`)).toBeUndefined()
    }
  })

  test('refuses keys of less than 2048 bits (RFC 7518 section 3.3)', () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    for (const algorithm of ['RS256', 'PS256']) {
      expect(() => createSigner('k1', algorithm, short.export({ format: 'jwk' }))).toThrow('none of')
    }
  })
})

test('nothing else is an algorithm', async () => {
  expect(signingAlgorithms).toEqual(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'])
  const { privateKey } = await generateKeyPair('ES512', { extractable: true })
  const key = createPrivateKey({ key: { ...(await exportJWK(privateKey)) }, format: 'jwk' })
  for (const name of ['none', 'HS256', 'ES512', 'es256', 'toString', '__proto__', '']) {
    expect(() => signatureParameters(name, key)).toThrow('is no signing algorithm')
  }
})
