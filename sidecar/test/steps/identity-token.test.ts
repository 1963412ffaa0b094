import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { createIdentityTokens, type IdentityTokensOptions, identityTokenType } from '../../src/steps/identity-token.ts'

const now = 1_700_000_000_500
const options: IdentityTokensOptions = {
  header: 'X-Identity',
  issuer: 'sidecar-1',
  audience: 'orders',
  claims: ['sub', 'roles', 'iss', 'exp', 'nbf', 'missing', 'toString'],
  ttl: 60,
  key: undefined,
  identifierOf: (issuer) => `https://id.example/${issuer}`,
}
const identity = {
  issuer: 'company',
  claims: {
    sub: 'alice',
    roles: ['a'],
    iss: 'https://evil.example',
    exp: 9_999_999_999,
    nbf: 5,
    aud: 'everybody',
    secret: 's',
  },
  revocable: undefined,
  expiresAt: Number.POSITIVE_INFINITY,
  holdsUntil: Number.POSITIVE_INFINITY,
}
const verify = (jwt: string, jwks: object) =>
  jwtVerify(jwt, createLocalJWKSet(jwks as JSONWebKeySet), {
    issuer: 'sidecar-1',
    audience: 'orders',
    typ: identityTokenType,
    currentDate: new Date(now),
  })

describe('an identity token', () => {
  test('verifies with the published key, and tells what it is meant to and no more', async () => {
    const tokens = createIdentityTokens(options)
    const minted = tokens.mint(identity, now)
    const { payload } = await verify(minted.jwt, tokens.jwks)
    expect(payload).toEqual({
      sub: 'alice',
      roles: ['a'],
      iss: 'sidecar-1',
      aud: 'orders',
      iat: 1_700_000_000,
      exp: 1_700_000_060,
      jti: expect.any(String),
      caller_issuer: 'https://id.example/company',
    })
    expect(minted).toMatchObject({ expiresAt: 1_700_000_060_000, renewAt: now + 30_000 })
    expect(tokens.header).toBe('x-identity')
  })

  test('is no access token by its type, and its key has no private part', () => {
    const tokens = createIdentityTokens(options)
    expect(decodeProtectedHeader(tokens.mint(identity, now).jwt).typ).toBe('postern-identity+jwt')
    expect(Object.keys(tokens.jwks.keys[0] ?? {}).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })

  test('is signed with a key of its own: JWK or PEM, ES256 or EdDSA', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const ed = generateKeyPairSync('ed25519').privateKey
    const keys = [ec, ed].flatMap((key) => [
      JSON.stringify(key.export({ format: 'jwk' })),
      key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    ])
    for (const key of keys) {
      const tokens = createIdentityTokens({ ...options, key })
      await verify(tokens.mint(identity, now).jwt, tokens.jwks)
      expect(createIdentityTokens({ ...options, key }).jwks).toEqual(tokens.jwks)
    }
  })

  test('refuses other keys without quoting them', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' })
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'pem', type: 'pkcs8' })
    for (const key of [rsa.toString(), other.toString()]) {
      expect(() => createIdentityTokens({ ...options, key })).toThrow('none of ES256 or EdDSA')
    }
    for (const key of ['hush', '{"kty":"EC","d":"hush"}', '{hush', '']) {
      expect(() => createIdentityTokens({ ...options, key })).toThrow(/^the key of the identity token is neither/)
    }
  })
})
