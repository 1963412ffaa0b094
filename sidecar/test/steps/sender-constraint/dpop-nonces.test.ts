import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDpopNonces } from '../../../src/steps/sender-constraint/dpop-nonces.ts'

const at = (ms: number, lifetime = 60) =>
  createDpopNonces({ secret: () => 'a secret of all sidecars together', lifetime, now: () => ms })

test('is accepted by all sidecars for as long as it is offered, and once more', () => {
  const nonce = at(600_000).current()
  expect(at(659_999).current()).toBe(nonce)
  for (const ms of [600_000, 659_999, 660_000, 719_999]) expect(at(ms).accepts(nonce), String(ms)).toBe(true)
  // A sidecar whose clock is behind.
  expect(at(599_999).accepts(nonce)).toBe(true)
  for (const ms of [720_000, 539_999, 6_000_000]) expect(at(ms).accepts(nonce), String(ms)).toBe(false)
})

test('is of its secret', () => {
  const other = createDpopNonces({ secret: () => 'another secret', lifetime: 60, now: () => 600_000 })
  expect(at(600_000).accepts(other.current())).toBe(false)
})

test('is spelled in one way', () => {
  const nonce = at(600_000).current()
  const [number, mac] = nonce.split('.')
  for (const odd of [`0${nonce}`, `+${nonce}`, ` ${nonce}`, `${nonce} `, `${nonce}=`, `${number}.0.${mac}`, `${mac}`]) {
    expect(at(600_000).accepts(odd), odd).toBe(false)
  }
})

test('is nothing that anybody makes up', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(9|10|11)\.[\w-]{43}$/)), (text) => {
      expect(at(600_000).accepts(text)).toBe(false)
    }),
  )
})
