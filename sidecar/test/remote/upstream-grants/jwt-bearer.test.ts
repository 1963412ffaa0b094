import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, exportJWK, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../../src/failures.ts'
import type { CallerGrant, UpstreamGrant } from '../../../src/remote/upstream-grants/grant.ts'
import { jwtBearer } from '../../../src/remote/upstream-grants/jwt-bearer.ts'

const now = () => 1_700_000_000_000
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { key: privateKey, algorithm: 'ES256', kid: 'k1' }

function grant(subject: string, claims: Record<string, string> = {}): UpstreamGrant {
  return jwtBearer({
    key: { current: () => key, reread: () => true },
    issuer: 'postern',
    subject,
    claims,
    audience: 'https://issuer.example',
    lifetime: 60,
    maxCallers: 10,
    now,
  })
}

function forCallers(subject: string, claims?: Record<string, string>): CallerGrant {
  const made = grant(subject, claims)
  if (made.of !== 'caller') throw new Error('it is for the sidecar')
  return made
}

const caller = (claims: Record<string, unknown> | undefined) => ({ token: 'token', claims, expiresAt: 1 })

async function claimsOf(parameters: readonly (readonly [string, string])[]) {
  const { grant_type, assertion = '', ...others } = Object.fromEntries(parameters)
  expect(grant_type).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
  expect(others).toEqual({})
  const jwks = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] })
  return (await jwtVerify(assertion, jwks, { currentDate: new Date(now()) })).payload
}

describe('an assertion of the sidecar', () => {
  test('for a fixed subject asks for a token for everybody', async () => {
    const made = grant('batch', { scope: 'a b' })
    if (made.of !== 'sidecar') throw new Error('it is for callers')
    expect(await claimsOf(await made.parameters())).toEqual({
      iss: 'postern',
      sub: 'batch',
      aud: 'https://issuer.example',
      scope: 'a b',
      iat: 1_700_000_000,
      exp: 1_700_000_060,
      jti: expect.any(String),
    })
    // Where the key is another by now, it is asked once more.
    expect(made.renewed?.()).toBe(true)
  })

  test('names callers by their claims, and callers for whom it says the same share a token', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of ours
    const made = forCallers('user-${sub}', { tenant: '${org}' })
    const [alice, bob] = [caller({ sub: 'alice', org: 7 }), caller({ sub: 'bob', org: 7 })]
    expect(await claimsOf(await made.askFor(alice).parameters())).toMatchObject({ sub: 'user-alice', tenant: '7' })
    expect(made.askFor(alice).key).toBe(made.askFor(caller({ sub: 'alice', org: 7, jti: 'other' })).key)
    expect(made.askFor(alice).key).not.toBe(made.askFor(bob).key)
    expect(made.askFor(alice).notAfter).toBe(Number.POSITIVE_INFINITY)
    expect(made.askFor(alice).key).not.toBe(made.askFor(caller({ sub: 'alice', org: 8 })).key)
  })

  test('is not made where a claim is missing, or no text, or where nobody has verified the claims', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of ours
    const made = forCallers('user-${sub}')
    for (const claims of [undefined, {}, { sub: '' }, { sub: ['alice'] }, { sub: null }, { sub: 2 ** 53 }]) {
      expect(() => made.askFor(caller(claims))).toThrow(Refusal)
    }
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of ours
    expect(() => forCallers('${toString}').askFor(caller({}))).toThrow(Refusal)
  })

  test('reads no template in what a claim holds', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of ours
    const made = forCallers('${sub}')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what an attacker would call himself
    expect(made.askFor(caller({ sub: '${admin}$&', admin: 'root' })).key).toContain('${admin}$&')
  })
})
