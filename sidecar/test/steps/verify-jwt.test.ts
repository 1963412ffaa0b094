/** What a JWT must be to be believed (RFC 9068 section 4, RFC 8725), through the whole sidecar. */
import { exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVerifyJwt } from '../../src/steps/verify-jwt.ts'
import type { Mint } from '../support/issuer.ts'
import { startBench, type TestBench, withIntrospection } from '../support/sidecar.ts'

let bench: TestBench

beforeAll(async () => {
  bench = await startBench({ policy: 'required_scopes: [read]' })
})

afterAll(() => bench.close())

const seconds = (offset: number) => Math.floor(bench.clock.now() / 1_000) + offset

const accepted: [what: string, changes: () => Mint][] = [
  ['a plain one', () => ({})],
  ['several audiences, one of them ours', () => ({ claims: { aud: ['other', 'test-api'] } })],
  ['the long form of its type', () => ({ header: { typ: 'application/at+jwt' } })],
  ['nbf a little in the future, within the leeway', () => ({ claims: { nbf: seconds(3) } })],
  ['iat a little in the future, within the leeway', () => ({ claims: { iat: seconds(3) } })],
  ['no jti, where nothing needs it', () => ({ claims: { jti: undefined } })],
]

const refused: [what: string, changes: () => Mint, description: RegExp][] = [
  ['another audience', () => ({ claims: { aud: 'other-api' } }), /aud/],
  ['an audience that only begins like ours', () => ({ claims: { aud: 'test-api2' } }), /aud/],
  ['no audience', () => ({ claims: { aud: undefined } }), /aud/],
  ['another issuer', () => ({ claims: { iss: 'https://other.example' } }), /issuer is not trusted/],
  ['our issuer with a slash at the end', () => ({ claims: { iss: `${bench.issuer.url}/` } }), /issuer is not trusted/],
  ['no issuer', () => ({ claims: { iss: undefined } }), /issuer is not trusted/],
  ['its expiry in the past', () => ({ claims: { exp: seconds(-1) } }), /expired/],
  ['its expiry at this second', () => ({ claims: { exp: seconds(0) } }), /expired/],
  ['no expiry', () => ({ claims: { exp: undefined } }), /exp/],
  ['an expiry before all time', () => ({ claims: { exp: -1e300 } }), /expired/],
  ['an expiry that is a list', () => ({ claims: { exp: [seconds(300)] } }), /exp/],
  ['an expiry that is text', () => ({ claims: { exp: String(seconds(300)) } }), /exp/],
  ['no iat', () => ({ claims: { iat: undefined } }), /iat/],
  ['an nbf that is text', () => ({ claims: { nbf: 'soon' } }), /nbf/],
  ['nbf in the future', () => ({ claims: { nbf: seconds(60) } }), /nbf/],
  ['iat in the future', () => ({ claims: { iat: seconds(60) } }), /future/],
  ['no sub', () => ({ claims: { sub: undefined } }), /sub/],
  ['an empty sub', () => ({ claims: { sub: '' } }), /malformed/],
  ['a client_id that is no text', () => ({ claims: { client_id: { a: 1 } } }), /malformed/],
  ['no client_id', () => ({ claims: { client_id: undefined } }), /client_id/],
  ['the type of an ID token', () => ({ header: { typ: 'JWT' } }), /typ/],
  ['no type', () => ({ header: { typ: undefined } }), /typ/],
  [
    'a key that its bearer must prove to hold',
    () => ({ claims: { cnf: { jkt: 'a'.repeat(43) } } }),
    /another authentication scheme/,
  ],
  ['a binding to a key that is garbage', () => ({ claims: { cnf: null } }), /bound to a key/],
  ['the type of a security event', () => ({ header: { typ: 'secevent+jwt' } }), /typ/],
]

describe('a JWT is accepted with', () => {
  test.each(accepted)('%s', async (_what, changes) => {
    expect((await bench.ask(`Bearer ${await bench.issuer.mint(changes())}`)).status).toBe(200)
  })
})

describe('a JWT is refused with', () => {
  test.each(refused)('%s', async (_what, changes, description) => {
    const answer = await bench.ask(`Bearer ${await bench.issuer.mint(changes())}`)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="main", error="invalid_token"/)
    expect(answer.body).toMatchObject({ error: 'invalid_token', error_description: expect.stringMatching(description) })
  })
})

describe('a JWT whose signature proves nothing is refused', () => {
  const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const refuses = async (token: string) => {
    const answer = await bench.ask(`Bearer ${token}`)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('x-subject')).toBeNull()
  }

  test.each(['none', 'None', 'NONE', 'nOnE'])('alg %s, without a signature', async (alg) => {
    const unsigned = `${segment({ alg, typ: 'at+jwt', kid: 'k1' })}.${segment(bench.issuer.claims())}`
    await refuses(`${unsigned}.`)
    await refuses(`${unsigned}.AAAA`)
  })

  test('HS256 with the public key as the secret, in each of its spellings', async () => {
    const jwk = bench.issuer.publicJwk()
    const spki = await exportSPKI((await importJWK(jwk, 'ES256', { extractable: true })) as CryptoKey)
    for (const secret of [spki, spki.trim(), JSON.stringify(jwk), String(jwk.x)]) {
      const token = await new SignJWT(bench.issuer.claims())
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' })
        .sign(new TextEncoder().encode(secret.padEnd(32)))
      await refuses(token)
    }
  })

  test.each(['ES256', 'RS256', 'EdDSA'])('another key of %s under the same kid', async (alg) => {
    const { privateKey } = await generateKeyPair(alg)
    await refuses(
      await new SignJWT(bench.issuer.claims()).setProtectedHeader({ alg, typ: 'at+jwt', kid: 'k1' }).sign(privateKey),
    )
  })

  test('a key that the token brings itself', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const { exportJWK } = await import('jose')
    const jwk = await exportJWK(publicKey)
    for (const header of [{ jwk }, { jku: `${bench.issuer.url}/own` }, { x5u: `${bench.issuer.url}/own` }]) {
      const calls = { ...bench.issuer.calls }
      await refuses(
        await new SignJWT(bench.issuer.claims())
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...header })
          .sign(privateKey),
      )
      expect(bench.issuer.calls).toEqual(calls)
    }
  })

  test.each([
    ['b64 of its own', { b64: false, crit: ['b64'] }],
    ['b64 without crit', { b64: false }],
    ['a kid that is no text', { kid: 1 }],
    ['a kid that is no text, as a list', { kid: ['k1'] }],
  ])('%s', async (_what, changes) => {
    const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...changes }
    await refuses(`${segment(header)}.${segment(bench.issuer.claims())}.AAAA`)
  })

  test('a critical extension that nobody understands', async () => {
    const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k1', crit: ['exp'], exp: 1 }
    await refuses(`${segment(header)}.${segment(bench.issuer.claims())}.AAAA`)
  })

  test('changed claims, a cut-off signature, another encoding of the signature', async () => {
    const [header, payload, signature = ''] = (await bench.issuer.mint()).split('.')
    await refuses(`${header}.${segment(bench.issuer.claims({ sub: 'root' }))}.${signature}`)
    await refuses(`${header}.${payload}.${signature.slice(0, -4)}`)
    await refuses(`${header}.${payload}.${signature}AAAA`)
  })
})

test('a JWT expires at the millisecond at which it says so', async () => {
  const exp = 1_700_000_000
  const jwt = { header: { typ: 'at+jwt' }, payload: {}, signingInput: Buffer.of(), signature: Buffer.of() }
  const payload = { aud: 'a', sub: 's', client_id: 'c', iat: exp - 60, exp }
  const at = (now: number) =>
    createVerifyJwt({
      name: 'test',
      audience: ['a'],
      types: ['at+jwt'],
      leeway: 60,
      revocable: false,
      verify: async ({ payload: claims }) => claims,
      now: () => now,
    })({ ...jwt, payload })
  expect(await at(exp * 1_000 - 1)).toMatchObject({ expiresAt: exp * 1_000, holdsUntil: exp * 1_000 })
  await expect(at(exp * 1_000)).rejects.toThrow('expired')
})

describe('plain JWTs, where the issuer is configured so', () => {
  let plain: TestBench
  beforeAll(async () => {
    plain = await startBench({ issuer: 'token_types: [at+jwt, JWT]' })
  })
  afterAll(() => plain.close())
  const status = async (claims: Record<string, unknown>, header: Record<string, unknown> = { typ: 'JWT' }) =>
    (await plain.ask(`Bearer ${await plain.issuer.mint({ claims, header })}`)).status
  const bare = { sub: undefined, client_id: undefined, iat: undefined }

  test.each<[what: string, claims: Record<string, unknown>, header?: Record<string, unknown>]>([
    ['a usual one', {}],
    ['no more than an expiry and an audience', bare],
    ['no type', bare, { typ: undefined }],
    ['its type in lower case', bare, { typ: 'jwt' }],
    ["an access token in Keycloak's way", { typ: 'Bearer' }],
    ["an access token in Cognito's way", { token_use: 'access' }],
    ['an access token of RFC 9068', {}, { typ: 'at+jwt' }],
  ])('are accepted: %s', async (_what, claims, header) => {
    expect(await status(claims, header)).toBe(200)
  })

  test.each<[what: string, claims: Record<string, unknown>, header?: Record<string, unknown>]>([
    ['an ID token with a nonce', { nonce: 'n' }],
    ['an ID token with a hash of an access token', { at_hash: 'h' }],
    ['an ID token with a hash of a code', { c_hash: 'h' }, { typ: undefined }],
    ['an ID token with a hash of a state', { s_hash: 'h' }],
    ['a logout token or a security event', { events: {} }],
    ['an introspection response', { token_introspection: { active: true } }],
    ["an ID token in Keycloak's way", { typ: 'ID' }],
    ["a refresh token in Keycloak's way", { typ: 'Refresh' }],
    ["a bound access token in Keycloak's way, without its proof", { typ: 'DPoP', cnf: { jkt: 'a'.repeat(43) } }],
    ["a bound access token in Keycloak's way that names no key", { typ: 'DPoP' }],
    ['a typ of another kind', { typ: ['Bearer', 'ID'] }],
    ["an ID token in Cognito's way", { token_use: 'id' }],
    ['a sub that is no text', { sub: 1 }],
    ['an iat that is no time', { iat: 'now' }],
    ['no expiry', { exp: undefined }],
    ['no audience', { aud: undefined }],
    ['another type', {}, { typ: 'logout+jwt' }],
    ['a type that is no text', {}, { typ: ['JWT'] }],
    ['an access token of RFC 9068 without its claims', bare, { typ: 'at+jwt' }],
  ])('are refused: %s', async (_what, claims, header) => {
    expect(await status(claims, header)).toBe(401)
  })
})

describe('JWTs of an issuer without types', () => {
  test('are introspected as its opaque tokens are, and its keys are not needed', async () => {
    const opaque = await startBench({
      issuer: `token_types: []\n    ${withIntrospection}`,
      before: (issuer) => issuer.behave('jwks', 'status500'),
    })
    expect((await opaque.admin('/readyz')).status).toBe(200)
    const token = await opaque.issuer.mint()
    expect((await opaque.ask(`Bearer ${token}`)).status).toBe(401)
    opaque.clock.advance(10)
    opaque.issuer.introspects(token, { active: true, ...opaque.issuer.claims() })
    expect((await opaque.ask(`Bearer ${token}`)).status).toBe(200)
    expect(opaque.issuer.calls.jwks).toBe(0)
    await opaque.close()
  })
})

describe('scopes', () => {
  test.each([
    ['no scope', undefined],
    ['another scope', 'write'],
    ['a scope that contains the required one', 'read:all'],
    ['another spelling', 'READ'],
    ['a malformed claim', 'read  write'],
    ['a claim that is no text', ['read']],
  ])('403 for %s, and the challenge names what is required', async (_what, scope) => {
    const answer = await bench.ask(`Bearer ${await bench.issuer.mint({ claims: { scope } })}`)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*scope="read"/)
  })
})
