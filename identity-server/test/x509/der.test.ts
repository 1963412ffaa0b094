import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readElement, readElements, readObjectIdentifier, tags } from '../../src/x509/der.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('DER', () => {
  test('elements, one after the other', () => {
    const [first, second, ...more] = readElements(hex('0c 01 61  04 02 0102'))
    expect([first?.tag, first?.content]).toEqual([tags.utf8String, Buffer.from('a')])
    expect([second?.tag, second?.content, second?.encoding]).toEqual([4, hex('0102'), hex('04020102')])
    expect(more).toEqual([])
    expect(readElements(hex(''))).toEqual([])
  })

  test('long lengths', () => {
    const content = Buffer.alloc(300, 1)
    expect(readElement(Buffer.concat([hex('04 82 012c'), content]), 4)).toEqual(content)
  })

  test.each([
    ['a length alone missing', '0c'],
    ['less content than said', '0c 02 61'],
    ['an indefinite length', '0c 80 61 0000'],
    ['a length that is not minimal', '0c 81 01 61'],
    ['a long length with a leading zero', `04 82 0080${'00'.repeat(128)}`],
    ['a length of five octets', '0c 85 0000000001 61'],
    ['a length that ends too soon', '0c 82 01'],
    ['a tag of several octets', '1f 81 01 00'],
  ])('refuses %s', (_, bytes) => expect(() => readElements(hex(bytes))).toThrow())

  test('one element is one, of its tag', () => {
    expect(() => readElement(hex('0c 01 61'), 4)).toThrow()
    expect(() => readElement(hex('0c 01 61 0c 01 61'), tags.utf8String)).toThrow()
    expect(() => readElement(hex(''), 4)).toThrow()
  })

  test('object identifiers', () => {
    expect(readObjectIdentifier(hex('55 04 03'))).toBe('2.5.4.3')
    expect(readObjectIdentifier(hex('2a 86 48 86 f7 0d 01 09 01'))).toBe('1.2.840.113549.1.9.1')
    expect(readObjectIdentifier(hex('09 92 26 89 93 f2 2c 64 01 19'))).toBe('0.9.2342.19200300.100.1.25')
    expect(readObjectIdentifier(hex('88 37 03'))).toBe('2.999.3')
    for (const wrong of ['', '55 84', 'ff ff ff ff ff ff ff ff ff 7f']) {
      expect(() => readObjectIdentifier(hex(wrong)), wrong).toThrow()
    }
  })

  test('whatever the bytes, either elements that make up all of them, or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const buffer = Buffer.from(bytes)
        let elements: ReturnType<typeof readElements> = []
        try {
          elements = readElements(buffer)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          return
        }
        expect(Buffer.concat(elements.map(({ encoding }) => encoding))).toEqual(buffer)
      }),
      { numRuns: 2_000 },
    )
  })
})
