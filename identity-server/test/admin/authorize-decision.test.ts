/** What is decided of each part alone, whatever else would have stopped a request before. */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { createAuthorizeAdmin } from '../../src/admin/authorize.ts'
import type { Client } from '../../src/clients/clients.ts'
import type { KeyRing } from '../../src/keys/signing-keys.ts'
import { adminAudience } from '../../src/tenancy/system.ts'
import type { AccessTokenClaims } from '../../src/tokens/access-token.ts'
import { authServer, client } from '../support/parties.ts'

const publicOrigin = 'https://as.example'
const unasked = () => Promise.reject(new Error('not asked'))
const keys: KeyRing = {
  active: { kid: 'k', algorithm: 'ES256', sign: unasked },
  verifyAccessToken: unasked,
  jwks: { keys: [] },
}

interface Presented {
  claims?: Partial<AccessTokenClaims>
  found?: Client | undefined
  isRevoked?: boolean
}

function authorize(presented: Presented = {}) {
  const { claims, found, isRevoked = false } = { found: client, ...presented }
  const request = new IncomingMessage(new Socket())
  request.headersDistinct = { authorization: ['Bearer a-token'] }
  const times = { iat: 1, exp: 2 }
  const aud = adminAudience(publicOrigin)
  const whole = {
    iss: '',
    sub: client.id,
    client_id: client.id,
    aud,
    scope: 'admin:read',
    jti: 'j',
    ...times,
    ...claims,
  }
  const lookup = <T>(value: T) => ({ get: () => value, size: () => 1 })
  return createAuthorizeAdmin({
    publicOrigin,
    accessTokens: { issue: unasked, verify: () => whole },
    authServers: lookup(authServer),
    clients: lookup(found),
    keyRings: lookup(keys),
    revocations: { isRevoked: () => isRevoked, after: unasked, changed: unasked },
    readCertificate: () => undefined,
    dpop: { verify: unasked, nonceFor: () => undefined },
    now: () => 1_000,
  })(request, 'admin:read')
}

test('an admin is who holds a token for this API, of a client that may act', async () => {
  expect(await authorize()).toEqual({ organization: 'root', clientId: client.id, tokenId: 'j' })
})

test.each<[string, Presented, string]>([
  ['a token for another audience', { claims: { aud: 'urn:other' } }, 'unauthorized'],
  ['one for this API and another', { claims: { aud: [adminAudience(publicOrigin), 'urn:other'] } }, 'unauthorized'],
  ['one of a client that is disabled', { found: { ...client, enabled: false } }, 'unauthorized'],
  ['one of a client that is gone', { found: undefined }, 'unauthorized'],
  ['one that was revoked', { isRevoked: true }, 'unauthorized'],
  ['one without the scope', { claims: { scope: 'admin:write' } }, 'insufficient_scope'],
  ['one without any scope', { claims: { scope: '' } }, 'insufficient_scope'],
])('%s is refused', async (_, presented, code) => {
  await expect(authorize(presented)).rejects.toMatchObject({ code })
})
