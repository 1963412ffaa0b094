import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { createIdentityKeys, generateIdentityKey } from '../../src/steps/identity-keys.ts'
import { createIdentityTokens, type IdentityTokensOptions, identityTokenType } from '../../src/steps/identity-token.ts'

const now = 1_700_000_000_500
const keys = createIdentityKeys({ key: generateIdentityKey(), lifetimeMs: 60_000, now: () => now })
const options: IdentityTokensOptions = {
  header: 'X-Identity',
  issuer: 'sidecar-1',
  audience: 'orders',
  claims: ['sub', 'roles', 'iss', 'exp', 'nbf', 'missing', 'toString'],
  ttl: 60,
  keys,
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
    const { payload } = await verify(minted.jwt, keys.jwks())
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

  test('does not outlive what the caller presented', async () => {
    const tokens = createIdentityTokens(options)
    const minted = tokens.mint({ ...identity, expiresAt: now + 10_000 }, now)
    expect((await verify(minted.jwt, keys.jwks())).payload.exp).toBe(1_700_000_010.5)
    expect(minted.expiresAt).toBe(now + 10_000)
  })

  test('is no access token by its type', () => {
    const tokens = createIdentityTokens(options)
    expect(decodeProtectedHeader(tokens.mint(identity, now).jwt).typ).toBe('postern-identity+jwt')
  })
})
