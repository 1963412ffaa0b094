import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { Confirmation, tokenTypeOf } from '../src/confirmation.ts'

const thumbprint = 'A'.repeat(43)

describe('confirmations', () => {
  test('name a DPoP key, a certificate, or both', () => {
    expect(Value.Check(Confirmation, { jkt: thumbprint })).toBe(true)
    expect(Value.Check(Confirmation, { 'x5t#S256': thumbprint })).toBe(true)
    expect(Value.Check(Confirmation, { jkt: thumbprint, 'x5t#S256': thumbprint })).toBe(true)
  })

  test('name nothing else: what is not understood cannot be checked', () => {
    expect(Value.Check(Confirmation, { kid: 'a' })).toBe(false)
    expect(Value.Check(Confirmation, { jkt: 'short' })).toBe(false)
    expect(Value.Check(Confirmation, { jkt: `${thumbprint}=` })).toBe(false)
  })

  test('decide the token type', () => {
    expect(tokenTypeOf(undefined)).toBe('Bearer')
    expect(tokenTypeOf({ 'x5t#S256': thumbprint })).toBe('Bearer')
    expect(tokenTypeOf({ jkt: thumbprint })).toBe('DPoP')
  })
})
