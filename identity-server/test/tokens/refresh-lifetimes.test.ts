import { expect, test } from 'vitest'
import { refreshLifetimes, refreshTokenEnd } from '../../src/tokens/refresh-lifetimes.ts'
import { grantRow } from '../support/grant-row.ts'
import { authServer, client } from '../support/parties.ts'

const begun = Date.parse('2026-06-01T12:00:00Z')
const minute = 60_000
const later = (minutes: number) => new Date(begun + minutes * minute)

test.each([
  ['where it has lain unused for as long as was said', { idle_until: later(9) }],
  ['where it has lain unused for as long as is said now', { used_at: later(-91) }],
  ['with its grant, as was said', { ends_at: later(9) }],
  ['with its grant, as is said now', { created_at: later(-191) }],
])('a refresh token ends %s', (_, members) => {
  const grant = grantRow(begun, { idle_until: later(60), used_at: later(0), ends_at: later(60), ...members })
  expect(refreshTokenEnd(grant, { idleMs: 100 * minute, totalMs: 200 * minute })).toBe(begun + 9 * minute)
})

test('the client’s lifetimes go before the auth server’s, and the limit of the tenant before both', () => {
  const ours = { ...authServer, settings: { refresh_token_lifetime: 100, grant_lifetime: 1_000 } }
  expect(refreshLifetimes(ours, client)).toEqual({ idleMs: 100_000, totalMs: 1_000_000 })
  const own = { ...client, settings: { refresh_token_lifetime: 200, grant_lifetime: 2_000 } }
  expect(refreshLifetimes(ours, own)).toEqual({ idleMs: 200_000, totalMs: 2_000_000 })
  const limited = { ...ours, limits: { refresh_token_lifetime: 500 } }
  expect(refreshLifetimes(limited, own)).toEqual({ idleMs: 200_000, totalMs: 500_000 })
})
