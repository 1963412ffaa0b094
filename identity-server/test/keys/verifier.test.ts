import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { createSigner, type Signer } from '../../src/keys/signer.ts'
import { createVerifier, type Verifier } from '../../src/keys/verifier.ts'

interface Pair {
  kid: string
  privateKey: CryptoKey
  signer: Signer
  published: Parameters<typeof createVerifier>[0][number]
}

async function createPair(kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const signer = createSigner(kid, 'ES256', { ...(await exportJWK(privateKey)) })
  return {
    kid,
    privateKey,
    signer,
    published: { kid, algorithm: 'ES256', publicJwk: { ...(await exportJWK(publicKey)) } },
  }
}

let first: Pair
let second: Pair
let verify: Verifier
let token = ''

beforeAll(async () => {
  first = await createPair('k1')
  second = await createPair('k2')
  verify = createVerifier([first.published, second.published], 'at+jwt')
  token = await first.signer.sign('at+jwt', { sub: 'alice' })
})

const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const parts = () => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return { header, payload, signature }
}

describe('a verifier', () => {
  test('reads what each published key has signed', async () => {
    expect(await verify(token)).toEqual({ sub: 'alice' })
    expect(await verify(await second.signer.sign('at+jwt', { sub: 'Zoë' }))).toEqual({ sub: 'Zoë' })
  })

  test('refuses a key that is no longer published', async () => {
    expect(await createVerifier([second.published], 'at+jwt')(token)).toBeUndefined()
  })

  test('refuses another type, though the same key signed it', async () => {
    expect(await verify(await first.signer.sign('secevent+jwt', { sub: 'alice' }))).toBeUndefined()
  })

  test('refuses one key under the name of another', async () => {
    const [, payload, signature] = token.split('.')
    expect(
      await verify(`${segment({ alg: 'ES256', typ: 'at+jwt', kid: 'k2' })}.${payload}.${signature}`),
    ).toBeUndefined()
  })

  test.each<[what: string, header: object]>([
    ['none', { alg: 'none', typ: 'at+jwt', kid: 'k1' }],
    ['HS256', { alg: 'HS256', typ: 'at+jwt', kid: 'k1' }],
    ['a key of its own', { alg: 'ES256', typ: 'at+jwt', kid: 'k1', jwk: {} }],
    ['a critical extension', { alg: 'ES256', typ: 'at+jwt', kid: 'k1', crit: ['b64'], b64: false }],
    ['the same members in another order', { typ: 'at+jwt', alg: 'ES256', kid: 'k1' }],
  ])('refuses a header with %s', async (_what, header) => {
    const { payload, signature } = parts()
    expect(await verify(`${segment(header)}.${payload}.${signature}`)).toBeUndefined()
    expect(await verify(`${segment(header)}.${payload}.`)).toBeUndefined()
  })

  test('refuses a genuine signature under a header that we never write', async () => {
    const foreign = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', cty: 'JWT' })
      .sign(first.privateKey)
    expect(await verify(foreign)).toBeUndefined()
  })

  test('refuses changed claims, and signatures that are cut, lengthened, missing or of zeros', async () => {
    const { header, payload, signature } = parts()
    expect(await verify(`${header}.${segment({ sub: 'root' })}.${signature}`)).toBeUndefined()
    for (const wrong of [
      signature.slice(0, -4),
      `${signature}AAAA`,
      '',
      'A'.repeat(86),
      Buffer.alloc(64, 255).toString('base64url'),
    ]) {
      expect(await verify(`${header}.${payload}.${wrong}`)).toBeUndefined()
    }
  })

  test('has one spelling for each token', async () => {
    const { header, payload, signature } = parts()
    const last = signature.at(-1) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const sameBits = alphabet[alphabet.indexOf(last) ^ 1]
    for (const spelling of [
      `${header}.${payload}.${signature.slice(0, -1)}${sameBits}`,
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature}==`,
      `${header}.${payload}=.${signature}`,
      `${header}=.${payload}.${signature}`,
      ` ${token}`,
      `${token} `,
      `${token}.`,
      `${token}\n`,
    ]) {
      expect(await verify(spelling), JSON.stringify(spelling)).toBeUndefined()
    }
  })

  test('answers whatever it is given', async () => {
    const { header } = parts()
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (payload, signature) => {
        expect(await verify(`${header}.${payload}.${signature}`)).toBeUndefined()
        expect(await verify(payload)).toBeUndefined()
      }),
    )
  })
})
