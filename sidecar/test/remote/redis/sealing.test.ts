import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSealing } from '../../../src/remote/redis/sealing.ts'

const sealing = createSealing('a secret of at least 32 characters')

describe('what is sealed', () => {
  test('is opened under its own name, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (value, name) => {
        expect(sealing.open(name, sealing.seal(name, value))).toBe(value)
      }),
    )
  })

  test('shows nothing, and looks otherwise each time', () => {
    const [one, two] = [sealing.seal('n', 'the value'), sealing.seal('n', 'the value')]
    expect(one.toString('latin1')).not.toContain('value')
    expect(one.equals(two)).toBe(false)
  })

  test('is not opened under another name, with another secret, or once any bit of it was changed', () => {
    const sealed = sealing.seal('n', 'v')
    expect(sealing.open('m', sealed)).toBeUndefined()
    expect(createSealing('another secret of 32 characters..').open('n', sealed)).toBeUndefined()
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed)
      changed[index] = (changed[index] ?? 0) ^ 1
      expect(sealing.open('n', changed), `byte ${index}`).toBeUndefined()
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(sealing.open('n', sealed.subarray(0, length))).toBeUndefined()
    }
  })
})

describe('a name', () => {
  test('is of one length, tells nothing, and is of its parts as they are', () => {
    const names = [
      sealing.name('a', 'bc'),
      sealing.name('ab', 'c'),
      sealing.name('abc'),
      sealing.name('a'.repeat(9_999)),
    ]
    expect(new Set(names).size).toBe(4)
    expect(new Set(names.map((name) => name.length))).toEqual(new Set([43]))
    expect(createSealing('another secret of 32 characters..').name('abc')).not.toBe(sealing.name('abc'))
    expect(sealing.name('abc')).toBe(sealing.name('abc'))
  })
})
