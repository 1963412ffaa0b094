/** What the grant decides from a stored grant, whatever else would have stopped a request before. */
import type { Confirmation } from '@postern/protocol/confirmation'
import { expect, test } from 'vitest'
import { createRefreshTokenGrant, type RefreshTokenGrantDeps } from '../../src/grants/refresh-token.ts'
import { parseForm } from '../../src/http/form.ts'
import type { KeyRing } from '../../src/keys/signing-keys.ts'
import type { GrantRow } from '../../src/store/grants.ts'
import { granted, grantRow } from '../support/grant-row.ts'
import { authServer, client } from '../support/parties.ts'

const begun = Date.parse('2026-06-01T12:00:00Z')
const unasked = () => Promise.reject(new Error('not asked'))
const keys: KeyRing = {
  active: { kid: 'k', algorithm: 'ES256', sign: unasked },
  verifyAccessToken: unasked,
  jwks: { keys: [] },
}
const refused = { code: 'invalid_grant', message: 'the refresh token is not valid' }

interface Presented {
  members?: Partial<GrantRow>
  confirmation?: Confirmation
  isRevoked?: RefreshTokenGrantDeps['revocations']['isRevoked']
  now?: number
}

function authorize({ members, confirmation, isRevoked = () => false, now = begun }: Presented) {
  const grant = createRefreshTokenGrant({
    lastingGrants: {
      find: async () => ({ grant: grantRow(begun, members), isCurrent: true }),
      open: () => undefined,
      endMisused: unasked,
    },
    trustedIssuers: { get: async () => undefined, size: () => 0 },
    revocations: { isRevoked },
  })
  const form = parseForm(Buffer.from('refresh_token=a-token'))
  return grant.authorize({ authServer, keys, client, isPublic: false, form, confirmation, now })
}

test('it passes on all that was granted', async () => {
  const details = [{ type: 'payment' }]
  const actor = { sub: 'gateway', act: { sub: 'cron' } }
  const subject_token = { iss: authServer.issuer, sub: 'alice', team: 'blue' }
  const whole = { ...granted, authorization_details: details, actor, subject_token }
  expect(await authorize({ members: { granted: whole } })).toEqual({
    subject: 'alice',
    scopeCeiling: ['read'],
    audienceCeiling: ['https://api.example'],
    authorizationDetailsCeiling: details,
    notAfter: (begun + 3_600_000) / 1_000,
    continues: grantRow(begun, { granted: whole }),
    actor,
    subjectToken: subject_token,
  })
})

test('the moment of its end is the first in which it is refused', async () => {
  expect(await authorize({ now: begun + 3_599_999 })).toMatchObject({ subject: 'alice' })
  await expect(authorize({ now: begun + 3_600_000 })).rejects.toMatchObject(refused)
})

const [one, another] = ['a'.repeat(43), 'b'.repeat(43)]
test.each<[string, Confirmation, Confirmation]>([
  ['another key', { jkt: one }, { jkt: another }],
  ['another certificate', { 'x5t#S256': one }, { 'x5t#S256': another }],
  ['a key in the place of a certificate', { 'x5t#S256': one }, { jkt: one }],
  ['the key alone, of key and certificate', { jkt: one, 'x5t#S256': one }, { jkt: one }],
  ['the certificate alone, of key and certificate', { jkt: one, 'x5t#S256': one }, { 'x5t#S256': one }],
  ['nothing', { 'x5t#S256': one }, {}],
])('a bound one is refused to whoever shows %s', async (_, bound, confirmation) => {
  const members = { confirmation: bound }
  await expect(authorize({ members, confirmation })).rejects.toMatchObject(refused)
  expect(await authorize({ members, confirmation: bound })).toMatchObject({ subject: 'alice' })
})

test('one whose grant was stored beside its revocation is refused, and one of which that cannot be known', async () => {
  await expect(authorize({ isRevoked: () => true })).rejects.toMatchObject(refused)
  await expect(authorize({ isRevoked: () => Promise.reject(new Error('unknown')) })).rejects.toThrow('unknown')
})

test('the word of an issuer that is not trusted is worth nothing, and one’s own needs no trust', async () => {
  const about = (iss: string) => ({ members: { granted: { ...granted, subject_token: { iss } } } })
  await expect(authorize(about('https://idp.example'))).rejects.toMatchObject(refused)
  expect(await authorize(about(authServer.issuer))).toMatchObject({ subject: 'alice' })
})
