import { expect, test } from 'vitest'
import { introspectRefreshToken } from '../../src/tokens/introspect-refresh-token.ts'
import { grantRow } from '../support/grant-row.ts'
import { authServer, client } from '../support/parties.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const grant = grantRow(now)
const inForce = { isRevoked: () => false }

const introspect = (at = now, revocations: Parameters<typeof introspectRefreshToken>[0] = inForce) =>
  introspectRefreshToken(revocations, authServer, client, { grant, isCurrent: true }, at)

test('a refresh token is active until the moment of its end', async () => {
  expect(await introspect()).toMatchObject({ sub: 'alice', grant_id: 'grant', exp: (now + 3_600_000) / 1_000 })
  expect(await introspect(now + 3_599_999)).toBeDefined()
  expect(await introspect(now + 3_600_000)).toBeUndefined()
})

test('a grant that was stored beside its revocation is none', async () => {
  const asked: unknown[] = []
  const isRevoked = (...about: unknown[]) => asked.push(about) > 0
  expect(await introspect(now, { isRevoked })).toBeUndefined()
  expect(asked).toEqual([['acme', { grant_id: 'grant', client_id: 'client', sub: 'alice', iat: now / 1_000 }]])
})

test('where revocations cannot be known, nothing is told', async () => {
  const isRevoked = () => Promise.reject(new Error('unknown'))
  await expect(introspect(now, { isRevoked })).rejects.toThrow('unknown')
})
