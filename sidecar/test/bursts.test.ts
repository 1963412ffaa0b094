import { expect, test } from 'vitest'
import { createBursts } from '../src/bursts.ts'

test('does what is asked for in one turn together, in its order', async () => {
  const burst = createBursts()
  const done: number[] = []
  const all = [1, 2, 3].map((number) => burst(() => done.push(number)))
  expect(done).toEqual([])
  await all[0]
  expect(done).toEqual([1, 2, 3])
  await Promise.all(all)
})

test('lets others have a turn after 32, and forgets nothing', async () => {
  const burst = createBursts()
  let done = 0
  const all = Array.from({ length: 100 }, () => burst(() => ++done))
  await all[0]
  expect(done).toBe(32)
  expect(await Promise.all(all)).toHaveLength(100)
  expect(done).toBe(100)
  expect(await burst(() => 'again')).toBe('again')
})

test('an error is that of its own work alone', async () => {
  const burst = createBursts()
  const failing = burst(() => {
    throw new Error('broken')
  })
  const fine = burst(() => 'fine')
  await expect(failing).rejects.toThrow('broken')
  expect(await fine).toBe('fine')
})
