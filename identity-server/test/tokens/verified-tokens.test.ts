import { expect, test } from 'vitest'
import type { KeyRing } from '../../src/keys/signing-keys.ts'
import { createVerifiedTokens } from '../../src/tokens/verified-tokens.ts'

const ring = (): KeyRing => ({
  active: { kid: 'k', algorithm: 'ES256', sign: () => Promise.reject(new Error('not asked')) },
  verifyAccessToken: () => Promise.reject(new Error('not asked')),
  jwks: { keys: [] },
})
const [keys, others] = [ring(), ring()]

test('knows again what was added, to the last character', () => {
  const verified = createVerifiedTokens<string>()
  verified.add(keys, 'a.b.c', 'claims')
  expect(verified.find(keys, 'a.b.c')).toBe('claims')
  expect(verified.find(keys, 'a.b.C')).toBeUndefined()
  expect(verified.find(keys, 'a.b.c ')).toBeUndefined()
})

test('knows nothing under other keys: of another auth server, or of the same after a change', () => {
  const verified = createVerifiedTokens<string>()
  verified.add(keys, 'a.b.c', 'claims')
  expect(verified.find(others, 'a.b.c')).toBeUndefined()
  verified.add(others, 'a.b.c', 'other claims')
  expect(verified.find(keys, 'a.b.c')).toBeUndefined()
  expect(verified.find(others, 'a.b.c')).toBe('other claims')
})

test('is bounded by number and by size', () => {
  const many = createVerifiedTokens<number>()
  for (let index = 0; index <= 50_000; index++) many.add(keys, `token ${index}`, index)
  expect(many.find(keys, 'token 0')).toBeUndefined()
  expect(many.find(keys, 'token 50000')).toBe(50_000)
  const large = createVerifiedTokens<number>()
  for (let index = 0; index < 33; index++) large.add(keys, `${index}`.padEnd(1024 * 1024, '.'), index)
  expect(large.find(keys, '0'.padEnd(1024 * 1024, '.'))).toBeUndefined()
  expect(large.find(keys, '32'.padEnd(1024 * 1024, '.'))).toBe(32)
})
