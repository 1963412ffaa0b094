import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import { createIdentityKeys, generateIdentityKey, readIdentityKey } from '../../src/steps/identity-keys.ts'

const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' }).toString()
const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

/** Keys whose source a test changes, with a clock that it sets. */
function setUp(first = readIdentityKey(pem(p256()))) {
  let [key, time] = [first, 1_700_000_000_000]
  const keys = createIdentityKeys({ key: { current: () => key }, lifetimeMs: 60_000, now: () => time })
  return {
    keys,
    change: (next = readIdentityKey(pem(p256()))) => {
      key = next
    },
    advance: (seconds: number) => {
      time += seconds * 1_000
    },
    kids: () => keys.jwks().keys.map((jwk) => Reflect.get(jwk, 'kid')),
  }
}

async function verifies(
  jwks: object,
  { kid, algorithm, sign }: ReturnType<ReturnType<typeof setUp>['keys']['current']>,
) {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: algorithm, kid })}.${encode({ a: 1 })}`
  const jwt = `${input}.${sign(input).toString('base64url')}`
  return compactVerify(jwt, createLocalJWKSet(jwks as JSONWebKeySet)).then(
    () => true,
    () => false,
  )
}

describe('a key of identity tokens', () => {
  test('is a JWK or PEM, of ES256 or EdDSA, and known by its thumbprint', async () => {
    for (const key of [p256(), generateKeyPairSync('ed25519').privateKey]) {
      const texts = [pem(key), JSON.stringify({ ...key.export({ format: 'jwk' }), kid: 'of its own' })]
      const kids = []
      for (const text of texts) {
        const { keys } = setUp(readIdentityKey(text))
        expect(await verifies(keys.jwks(), keys.current())).toBe(true)
        kids.push(keys.current().kid)
      }
      expect(kids[0]).toHaveLength(43)
      expect(kids[0]).toBe(kids[1])
    }
  })

  test('shows no private part', () => {
    const { keys } = setUp(generateIdentityKey().current())
    expect(Object.keys(keys.jwks().keys[0] ?? {}).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })

  test('is no other, and none of it is quoted', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    for (const key of [rsa, p384]) expect(() => readIdentityKey(pem(key))).toThrow('none of ES256 or EdDSA')
    for (const text of ['hush', '{"kty":"EC","d":"hush"}', '{hush', '']) {
      expect(() => readIdentityKey(text)).toThrow(/^the private key is neither PEM nor a JWK$/)
    }
  })
})

describe('a key that changes', () => {
  test('signs at once; the former one is published until the last token that it signed has expired', async () => {
    const { keys, change, advance, kids } = setUp()
    const old = keys.current()
    change()
    const next = keys.current()
    expect(next.kid).not.toBe(old.kid)
    advance(60)
    expect(kids()).toEqual([next.kid, old.kid])
    expect([await verifies(keys.jwks(), old), await verifies(keys.jwks(), next)]).toEqual([true, true])
    // Other sidecars notice a moment later.
    advance(5)
    expect(kids()).toEqual([next.kid])
    expect(await verifies(keys.jwks(), old)).toBe(false)
  })

  test('is published as soon as anybody asks, also before it has signed', () => {
    const { change, kids } = setUp()
    const [old] = kids()
    change()
    expect(kids()).toHaveLength(2)
    expect(kids()[1]).toBe(old)
  })

  test('back again is published once', () => {
    const first = readIdentityKey(pem(p256()))
    const { keys, change, kids } = setUp(first)
    const { kid } = keys.current()
    change()
    const second = keys.current().kid
    change(first)
    expect(kids()).toEqual([kid, second])
  })

  test('again and again keeps a few', () => {
    const { keys, change, kids } = setUp()
    for (let count = 0; count < 30; count++) {
      change()
      keys.current()
    }
    expect(kids()).toHaveLength(11)
    expect(kids()[0]).toBe(keys.current().kid)
  })
})
