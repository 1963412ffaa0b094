import { describe, expect, test } from 'vitest'
import type { Revocation } from '../src/revocation.ts'
import { formatRevocation, parseRevocation, revocationEventTypes } from '../src/revocation-event.ts'

const issuer = 'https://issuer.example/a'
const expiresAt = 2_000_000_000

const kinds: [revocation: Revocation, claims: object][] = [
  [
    { kind: 'token', value: 'j', expiresAt },
    {
      sub_id: { format: 'jwt_id', iss: issuer, jti: 'j' },
      events: { 'https://schemas.openid.net/secevent/oauth/event-type/token-revoked': { token_expires_at: expiresAt } },
    },
  ],
  [
    { kind: 'grant', value: 'g', expiresAt },
    {
      sub_id: { format: 'opaque', id: 'g' },
      events: { 'urn:postern:event:grant-revoked': { token_expires_at: expiresAt } },
    },
  ],
  [
    { kind: 'client', value: 'c', notBefore: 5, expiresAt },
    {
      sub_id: { format: 'opaque', id: 'c' },
      events: { 'urn:postern:event:client-tokens-revoked': { token_expires_at: expiresAt, not_before: 5 } },
    },
  ],
  [
    { kind: 'subject', value: 's', notBefore: 5, expiresAt },
    {
      sub_id: { format: 'iss_sub', iss: issuer, sub: 's' },
      events: {
        'https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked': {
          token_expires_at: expiresAt,
          not_before: 5,
        },
      },
    },
  ],
  [
    { kind: 'key', value: 'k', expiresAt },
    {
      sub_id: { format: 'opaque', id: 'k' },
      events: { 'urn:postern:event:key-revoked': { token_expires_at: expiresAt } },
    },
  ],
]

test.each(kinds)('a revocation is an event, and back: $kind', (revocation, claims) => {
  expect(formatRevocation(issuer, revocation)).toEqual(claims)
  expect(parseRevocation({ iss: issuer, iat: 1, jti: 'e', ...claims }, issuer)).toEqual(revocation)
})

describe('an event', () => {
  test('of another type is unknown, whatever it holds', () => {
    const events = { 'urn:postern:event:of-a-later-version': { anything: true } }
    expect(parseRevocation({ sub_id: { format: 'new' }, events }, issuer)).toBe('unknown')
    expect(parseRevocation({ events: {} }, issuer)).toBe('unknown')
    expect(parseRevocation({ events: JSON.parse('{"__proto__":{}}') }, issuer)).toBe('unknown')
  })

  const { token, client, subject, key } = revocationEventTypes
  const jwtId = { format: 'jwt_id', iss: issuer, jti: 'j' }
  const malformed: [what: string, claims: unknown][] = [
    ['that is none', {}],
    ['that is no object', { events: 'x' }],
    ['that is null', null],
    ['without a subject', { events: { [token]: { token_expires_at: 1 } } }],
    [
      'with another kind of subject',
      { sub_id: { format: 'opaque', id: 'j' }, events: { [token]: { token_expires_at: 1 } } },
    ],
    ['without an end', { sub_id: jwtId, events: { [token]: {} } }],
    ['whose end is text', { sub_id: jwtId, events: { [key]: { token_expires_at: '1' } } }],
    [
      'about a token of another issuer',
      { sub_id: { ...jwtId, iss: 'x' }, events: { [token]: { token_expires_at: 1 } } },
    ],
    [
      'about a client, without a cut-off',
      { sub_id: { format: 'opaque', id: 'c' }, events: { [client]: { token_expires_at: 1 } } },
    ],
    [
      'about a subject of another issuer',
      {
        sub_id: { format: 'iss_sub', iss: 'x', sub: 's' },
        events: { [subject]: { token_expires_at: 1, not_before: 1 } },
      },
    ],
  ]
  test.each(malformed)('%s is malformed', (_what, claims) => {
    expect(parseRevocation(claims, issuer)).toBe('malformed')
  })
})
