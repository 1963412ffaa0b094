import { expect, test } from 'vitest'
import { createEventAdmission } from '../../src/events/admission.ts'

const admitted = (times: number, admit: () => boolean) =>
  Array.from({ length: times }, admit).filter((result) => result).length

test('stores all events but those of types that come in numbers', () => {
  const admit = createEventAdmission(0, () => 0)
  expect(admitted(1_000, () => admit('a', 'token.issued'))).toBe(1_000)
  expect(admitted(1_000, () => admit('a', 'client.authenticated'))).toBe(0)
})

test('stores the share of introspections that is asked for', () => {
  for (const [share, least, most] of [
    [0, 0, 0],
    [1, 10_000, 10_000],
    [0.5, 4_000, 6_000],
  ] as const) {
    const admit = createEventAdmission(share, () => 0)
    const count = admitted(10_000, () => admit('a', 'token.introspected'))
    expect(count).toBeGreaterThanOrEqual(least)
    expect(count).toBeLessThanOrEqual(most)
  }
})

test('stores a hundred failures a second of what anybody can cause, for each auth server', () => {
  let now = 0
  const admit = createEventAdmission(1, () => now)
  const flood = (authServer: string) => admitted(10_000, () => admit(authServer, 'client.authentication_failed'))
  expect(flood('a')).toBe(100)
  // The flood of one does not hide what happens at another.
  expect(flood('b')).toBe(100)
  expect(flood('a')).toBe(0)
  now = 1_000
  expect(flood('a')).toBe(100)
})
