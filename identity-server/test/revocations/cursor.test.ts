import { describe, expect, test } from 'vitest'
import { beginning, formatCursor, parseCursor } from '../../src/revocations/cursor.ts'

describe('a position', () => {
  test('is read as it was written', () => {
    const cursor = { stream: '0c8f7f2e-1d2f-4a53-9f43-3f8dbb7b9b11', sequence: 123_456_789_012_345 }
    expect(parseCursor(formatCursor(cursor))).toEqual(cursor)
  })

  test.each([beginning, '', '17', '.1', 'a.', 'a.-1', 'a.1e3', 'a.1.1', 'a b.1', 'a.1234567890123456', 'a.1\n'])(
    'is not %j',
    (text) => {
      expect(parseCursor(text)).toBeUndefined()
    },
  )
})
