import { describe, expect, test } from 'vitest'
import { createMasterKeys, generateMasterKey } from '../../src/keys/master-keys.ts'

const old = generateMasterKey()
const fresh = generateMasterKey()
const text = Buffer.from('a private key')

describe('master keys', () => {
  test('rotate: the first encrypts and hashes, all of them decrypt and verify', () => {
    const before = createMasterKeys([old])
    const { keyId, ciphertext } = before.encrypt(text, 'row 1')
    const hashed = before.hash('secret')

    const after = createMasterKeys([fresh, old])
    expect(after.decrypt(keyId, ciphertext, 'row 1')).toEqual(text)
    expect(after.hashUnder(hashed.keyId, 'secret')).toBe(hashed.hash)
    expect(after.encrypt(text, 'row 1').keyId).toBe(after.currentKeyId)
    expect(after.currentKeyId).not.toBe(keyId)
    expect(after.hash('secret').hash).not.toBe(hashed.hash)

    const without = createMasterKeys([fresh])
    expect(() => without.decrypt(keyId, ciphertext, 'row 1')).toThrow(`master key ${keyId} is not in the list`)
    expect(without.hashUnder(hashed.keyId, 'secret')).toBeUndefined()
  })

  test('refuse a ciphertext that was moved, changed or cut', () => {
    const keys = createMasterKeys([old])
    const { keyId, ciphertext } = keys.encrypt(text, 'signing key a kid')
    expect(() => keys.decrypt(keyId, ciphertext, 'signing key b kid')).toThrow()
    expect(() => keys.decrypt(keyId, ciphertext, 'signing key a other')).toThrow()
    for (let index = 0; index < ciphertext.length; index += 1) {
      const changed = Buffer.from(ciphertext)
      changed[index] = (changed[index] ?? 0) ^ 1
      expect(() => keys.decrypt(keyId, changed, 'signing key a kid')).toThrow()
    }
    for (const length of [0, 11, 12, 20, 27, ciphertext.length - 1]) {
      expect(() => keys.decrypt(keyId, ciphertext.subarray(0, length), 'signing key a kid')).toThrow()
    }
  })

  test('encrypt the same text differently each time', () => {
    const keys = createMasterKeys([old])
    expect(keys.encrypt(text, 'x').ciphertext).not.toEqual(keys.encrypt(text, 'x').ciphertext)
  })

  test('make MACs that every replica recognises, across a rotation, for one purpose only', () => {
    const before = createMasterKeys([old]).createMac('test')
    const mac = before.sign('text')
    const after = createMasterKeys([fresh, old]).createMac('test')
    expect(after.verify('text', mac)).toBe(true)
    expect(after.sign('text')).not.toEqual(mac)
    expect(before.verify('text', after.sign('text'))).toBe(false)
    expect(createMasterKeys([old]).createMac('other').verify('text', mac)).toBe(false)
    for (const wrong of [Buffer.alloc(0), mac.subarray(1), Buffer.concat([mac, mac])]) {
      expect(before.verify('text', wrong)).toBe(false)
    }
    expect(before.verify('txet', mac)).toBe(false)
  })

  test('must be 32 bytes in base64url, in its one spelling; the message tells which, not what', () => {
    const wrong = ['', 'short', `${old}A`, `${old}=`, Buffer.alloc(31, 1).toString('base64url'), old.replace(/.$/, '_')]
    for (const key of wrong.filter((value) => value !== old)) {
      expect(() => createMasterKeys([old, key])).toThrow('master key 2 is not 32 bytes in base64url')
    }
    expect(() => createMasterKeys([])).toThrow('no master key')
  })
})
