import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHmacSha256 } from '../../src/keys/hmac.ts'

test('is what node:crypto computes, whatever the key, the text and what was hashed before', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string({ minLength: 500, maxLength: 600, size: 'max' }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(text, { minLength: 1, maxLength: 5 }), (key, texts) => {
      const hmac = createHmacSha256(key)
      for (const one of texts) expect(hmac(one)).toBe(createHmac('sha256', key).update(one).digest('base64url'))
    }),
    { numRuns: 500 },
  )
})

test('is what RFC 4231 section 4.3 says', () => {
  const digest = createHmacSha256(Buffer.from('Jefe'))('what do ya want for nothing?')
  expect(Buffer.from(digest, 'base64url').toString('hex')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

test('refuses a key that would have to be hashed first', () => {
  expect(() => createHmacSha256(Buffer.alloc(65))).toThrow(RangeError)
})
