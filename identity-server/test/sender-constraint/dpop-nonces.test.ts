import { describe, expect, test } from 'vitest'
import { createMasterKeys, generateMasterKey } from '../../src/keys/master-keys.ts'
import { createDpopNonces } from '../../src/sender-constraint/dpop-nonces.ts'

const key = generateMasterKey()
const nonces = createDpopNonces(createMasterKeys([key]))
const now = 1_800_000_000_000

describe('DPoP nonces', () => {
  test('are good for a minute at least and two at most, on every replica', () => {
    const nonce = nonces.current('a', now)
    const replica = createDpopNonces(createMasterKeys([generateMasterKey(), key]))
    for (const later of [0, 30_000, 60_000, 119_999]) expect(replica.accepts('a', nonce, now + later)).toBe(true)
    for (const later of [120_000, 3_600_000]) expect(replica.accepts('a', nonce, now + later)).toBe(false)
  })

  test('of a replica whose clock is a little ahead are good too', () => {
    expect(nonces.accepts('a', nonces.current('a', now), now - 2_000)).toBe(true)
    expect(nonces.accepts('a', nonces.current('a', now), now - 61_000)).toBe(false)
  })

  test('change in time, and belong to one auth server', () => {
    expect(nonces.current('a', now + 60_000)).not.toBe(nonces.current('a', now))
    expect(nonces.accepts('b', nonces.current('a', now), now)).toBe(false)
  })

  test('cannot be made up', () => {
    const foreign = createDpopNonces(createMasterKeys([generateMasterKey()])).current('a', now)
    for (const made of ['', 'nonce', foreign, `${nonces.current('a', now)}AAAA`]) {
      expect(nonces.accepts('a', made, now)).toBe(false)
    }
  })

  test('hold only what may stand in the header (RFC 9449 section 8.1)', () => {
    expect(nonces.current('a', now)).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })
})
