import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { type KeySource, localJwks } from '../../src/outgoing/key-source.ts'
import { createJwkPair, type JwkPair } from '../support/jwk-pair.ts'

const algorithms = ['ES256', 'RS256', 'EdDSA', 'Ed25519']
const one = await createJwkPair('one')
const two = await createJwkPair('two')
const rsa = await createJwkPair('rsa', 'RS256')

const verify = (source: KeySource, token: string) =>
  source.verify((getKey) => jwtVerify(token, getKey, { algorithms })).then(({ payload }) => payload)
const setOf = (...pairs: JwkPair[]) => ({ keys: pairs.map(({ publicJwk }) => publicJwk) })

describe('inline keys', () => {
  test('verify what was signed with the key that the token names', async () => {
    const source = localJwks(setOf(one, two, rsa))
    for (const pair of [one, two, rsa]) expect(await verify(source, await pair.sign({ a: 1 }))).toEqual({ a: 1 })
  })

  test('are found by what makes them up', async () => {
    const keyOf = ({ publicJwk }: JwkPair) => createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
    const ed25519 = await createJwkPair('ed25519', 'Ed25519')
    const source = localJwks(setOf(one, rsa, ed25519))
    for (const pair of [one, rsa, ed25519]) expect(await source.includes(keyOf(pair))).toBe(true)
    const strangers = [two, await createJwkPair('one'), await createJwkPair('rsa', 'RS256')].map(keyOf)
    const others = [
      generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }),
      generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }),
      generateKeyPairSync('x25519'),
    ]
    for (const key of [...strangers, ...others.map(({ publicKey }) => publicKey)]) {
      expect(await source.includes(key)).toBe(false)
    }
  })

  test('are imported once for each stored set', () => {
    const jwks = setOf(one)
    expect(localJwks(jwks)).toBe(localJwks(jwks))
    expect(localJwks({ ...jwks })).not.toBe(localJwks(jwks))
  })

  test.each<[string, string, () => Promise<string>]>([
    ['an unknown kid', 'ERR_JWKS_NO_MATCHING_KEY', () => one.sign({}, { kid: 'three' })],
    ['the kid of another key', 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', () => one.sign({}, { kid: 'two' })],
    ['the kid of a key of another type', 'ERR_JWKS_NO_MATCHING_KEY', () => one.sign({}, { kid: 'rsa' })],
  ])('do not verify %s', async (_what, code, sign) => {
    await expect(verify(localJwks(setOf(one, two, rsa)), await sign())).rejects.toMatchObject({ code })
  })

  test('are tried one after the other where the token names none', async () => {
    const source = localJwks(setOf(one, two, rsa))
    expect(await verify(source, await two.sign({ b: 2 }, { kid: undefined }))).toEqual({ b: 2 })
    const stranger = await createJwkPair('stranger')
    const code = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'
    await expect(verify(source, await stranger.sign({}, { kid: undefined }))).rejects.toMatchObject({ code })
  })

  test('but not all of many', async () => {
    const pairs = await Promise.all(Array.from({ length: 12 }, (_, index) => createJwkPair(`key ${index}`)))
    let attempts = 0
    const source = localJwks(setOf(...pairs))
    const token = (await pairs.at(-1)?.sign({}, { kid: undefined })) ?? ''
    const attempt = source.verify((getKey) => {
      attempts += 1
      return jwtVerify(token, getKey, { algorithms })
    })
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
    expect(attempts).toBe(9)
  })

  test('what fails for another reason than the signature fails at once', async () => {
    const source = localJwks(setOf(one, two))
    const token = await one.sign({ exp: 1 }, { kid: undefined })
    await expect(verify(source, token)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
  })
})

/** The class: a token that chooses how it is verified (RFC 8725 sections 2.1, 3.1). */
describe('algorithm confusion', () => {
  test('an HMAC keyed with a public key verifies nowhere', async () => {
    const { SignJWT } = await import('jose')
    const secret = new TextEncoder().encode(JSON.stringify(one.publicJwk))
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret)
    const attempt = localJwks(setOf(one)).verify((getKey) =>
      jwtVerify(token, getKey, { algorithms: ['HS256', 'ES256'] }),
    )
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_JOSE_NOT_SUPPORTED' })
  })

  test('nor does one with a symmetric key of the set, nor with a private one', async () => {
    const { SignJWT } = await import('jose')
    const jwks = { keys: [{ kty: 'oct', k: Buffer.alloc(32).toString('base64url'), kid: 'oct' }, one.privateJwk] }
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'HS256', kid: 'oct' }).sign(Buffer.alloc(32))
    const attempt = localJwks(jwks).verify((getKey) => jwtVerify(token, getKey, { algorithms: ['HS256'] }))
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_JOSE_NOT_SUPPORTED' })
    await expect(verify(localJwks(jwks), await one.sign())).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  test('a key that the token brings along is not looked at', async () => {
    const stranger = await createJwkPair('one')
    const token = await stranger.sign({}, { jwk: stranger.publicJwk, jku: 'https://tenant.example/jwks' })
    const code = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'
    await expect(verify(localJwks(setOf(one)), token)).rejects.toMatchObject({ code })
  })
})
