import { expect, test } from 'vitest'
import { createLimitedLog } from '../src/limited-log.ts'

test('a line that repeats is written once in a while, and says how many were left out', () => {
  let time = 1_000_000
  const log = createLimitedLog(() => time)
  const written: string[] = []
  const write = (key: string) => log.write(key, (leftOut) => written.push(`${key} ${leftOut}`))
  for (let times = 0; times < 1_000; times++) write('a')
  write('b')
  expect(written).toEqual(['a 0', 'b 0'])
  time += 5_000
  write('a')
  write('a')
  expect(written).toEqual(['a 0', 'b 0', 'a 999'])
})

test('however many keys there are, what is remembered is bounded', () => {
  const log = createLimitedLog(() => 1_000_000)
  let lines = 0
  for (let key = 0; key < 100_000; key++) log.write(String(key), () => (lines += 1))
  expect(lines).toBeLessThanOrEqual(1_001)
})
