import { decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { createSigner, type Signer } from '../../src/keys/signer.ts'

let signer: Signer
let publicKey: CryptoKey | Uint8Array

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  publicKey = await importJWK(await exportJWK(pair.publicKey), 'ES256')
  signer = createSigner('k1', 'ES256', { ...(await exportJWK(pair.privateKey)) })
})

describe('a signer', () => {
  test('makes JWTs that jose verifies, again and again', async () => {
    for (let count = 0; count < 50; count++) {
      const { payload, protectedHeader } = await jwtVerify(
        await signer.sign('at+jwt', { sub: `Zoë ${count}` }),
        publicKey,
        {
          typ: 'at+jwt',
          algorithms: ['ES256'],
        },
      )
      expect(payload).toEqual({ sub: `Zoë ${count}` })
      expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })
    }
  })

  test('tells the kinds of JWT apart', async () => {
    expect(decodeProtectedHeader(await signer.sign('at+jwt', {})).typ).toBe('at+jwt')
    expect(decodeProtectedHeader(await signer.sign('secevent+jwt', {})).typ).toBe('secevent+jwt')
  })

  test('makes no two alike, since its signatures are random', async () => {
    expect(await signer.sign('at+jwt', {})).not.toBe(await signer.sign('at+jwt', {}))
  })

  test.each(['none', 'HS256', 'ES512', 'toString'])('refuses to be one of %s', async (algorithm) => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = { ...(await exportJWK(privateKey)) }
    expect(() => createSigner('k1', algorithm, jwk)).toThrow('no signing algorithm')
  })

  test('refuses a key that is none', () => {
    expect(() => createSigner('k1', 'ES256', { kty: 'EC', crv: 'P-256', d: 'x' })).toThrow()
  })
})
