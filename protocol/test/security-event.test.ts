import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { PollRequest, TokenRevokedClaims, tokenRevoked } from '../src/security-event.ts'

const claims = {
  iss: 'https://issuer.example',
  aud: 'sidecar',
  iat: 1,
  jti: 'event-1',
  sub_id: { format: 'jwt_id', iss: 'https://issuer.example', jti: 'token-1' },
  events: { [tokenRevoked]: { token_expires_at: 2 } },
}

describe('TokenRevokedClaims', () => {
  test('name the revoked token and when it may be forgotten', () => {
    expect(Value.Check(TokenRevokedClaims, claims)).toBe(true)
  })

  test.each<[what: string, changes: object]>([
    ['another event', { events: { 'https://other.example': {} } }],
    ['another kind of subject', { sub_id: { format: 'email', email: 'a@example' } }],
    ['no subject', { sub_id: undefined }],
    ['no end', { events: { [tokenRevoked]: {} } }],
  ])('are not those of %s', (_what, changes) => {
    expect(Value.Check(TokenRevokedClaims, { ...claims, ...changes })).toBe(false)
  })
})

describe('PollRequest', () => {
  test.each([{}, { after: '0' }, { after: '123456789012345678', maxEvents: 1, returnImmediately: true }])(
    '%j',
    (poll) => {
      expect(Value.Check(PollRequest, poll)).toBe(true)
    },
  )

  test.each([
    { after: 1 },
    { after: '-1' },
    { after: '1e3' },
    { after: '1234567890123456789' },
    { maxEvents: 0 },
    { maxEvents: 1e9 },
    { ack: ['a'] },
  ])('not %j', (poll) => {
    expect(Value.Check(PollRequest, poll)).toBe(false)
  })
})
