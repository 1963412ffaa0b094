import { describe, expect, test } from 'vitest'
import { createInForce } from '../../src/revocations/in-force.ts'
import type { StoredRevocation } from '../../src/store/revocations.ts'

const token = (sequence: number, expiresAt = 1_000): StoredRevocation => ({
  kind: 'token',
  value: `j${sequence}`,
  sequence,
  expiresAt,
  revokedAt: 1,
})
const client = (sequence: number, notBefore: number, expiresAt = 1_000): StoredRevocation => ({
  ...token(sequence, expiresAt),
  kind: 'client',
  value: 'c',
  notBefore,
})
const sequences = (revocations: readonly StoredRevocation[]) => revocations.map(({ sequence }) => sequence)

describe('revocations in force', () => {
  test('are found after any sequence number, also one that is no longer there', () => {
    const inForce = createInForce()
    for (const sequence of [2, 3, 5, 8, 13]) inForce.add(token(sequence))
    expect(sequences(inForce.after(0, 99))).toEqual([2, 3, 5, 8, 13])
    expect(sequences(inForce.after(2, 99))).toEqual([3, 5, 8, 13])
    expect(sequences(inForce.after(4, 2))).toEqual([5, 8])
    expect(inForce.after(13, 99)).toEqual([])
    expect(inForce.lastSequence).toBe(13)
  })

  test('about the same take the place of each other', () => {
    const inForce = createInForce()
    for (const revocation of [token(1), client(2, 10), token(3), client(4, 20)]) inForce.add(revocation)
    expect(sequences(inForce.after(0, 99))).toEqual([1, 3, 4])
    expect([20, 21].map((iat) => inForce.cover({ client_id: 'c', iat }))).toEqual([true, false])
  })

  test('are forgotten once they have expired, but not looked through at each call', () => {
    const inForce = createInForce()
    for (const revocation of [token(1, 100), token(2, 101), token(3, 500)]) inForce.add(revocation)
    inForce.tidy(99_999)
    expect(sequences(inForce.after(0, 99))).toEqual([1, 2, 3])
    inForce.tidy(100_500)
    expect(sequences(inForce.after(0, 99))).toEqual([2, 3])
    expect(inForce.cover({ jti: 'j1' })).toBe(false)
    // Due already, but not so soon again.
    inForce.tidy(101_500)
    expect(sequences(inForce.after(0, 99))).toEqual([2, 3])
    inForce.tidy(111_000)
    expect(sequences(inForce.after(0, 99))).toEqual([3])
    expect(inForce.lastSequence).toBe(3)
  })
})
