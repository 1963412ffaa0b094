import { expect, test } from 'vitest'
import { parseTraceparent } from '../src/trace-context.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'

test.each<[value: string, expected: string | undefined]>([
  [`00-${trace}-${parent}-01`, trace],
  [`00-${trace}-${parent}-00`, trace],
  // A later version may add to it.
  [`01-${trace}-${parent}-01`, trace],
  [`cc-${trace}-${parent}-01-what-will-come`, trace],
  [`00-${trace}-${parent}-01-more`, undefined],
  [`cc-${trace}-${parent}-01.more`, undefined],
  [`ff-${trace}-${parent}-01`, undefined],
  [`00-${'0'.repeat(32)}-${parent}-01`, undefined],
  [`00-${trace}-${'0'.repeat(16)}-01`, undefined],
  [`00-${trace.toUpperCase()}-${parent}-01`, undefined],
  [`00-${trace}-${parent}`, undefined],
  [`00-${trace}x-${parent}-01`, undefined],
  // Two headers, joined.
  [`00-${trace}-${parent}-01, 00-${trace}-${parent}-01`, undefined],
  [` 00-${trace}-${parent}-01`, undefined],
  ['', undefined],
])('%j', (value, expected) => {
  expect(parseTraceparent(value)).toBe(expected)
})
