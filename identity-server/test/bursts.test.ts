import { describe, expect, test } from 'vitest'
import { createBursts } from '../src/bursts.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a burst', () => {
  test('does the work of one turn together, in its order', async () => {
    const burst = createBursts()
    const done: number[] = []
    const all = [1, 2, 3].map((number) => burst(() => done.push(number)))
    await Promise.resolve()
    expect(done).toEqual([])
    await turn()
    expect(done).toEqual([1, 2, 3])
    expect(await Promise.all(all)).toEqual([1, 2, 3])
  })

  test('lets others have the event loop after so many', async () => {
    const burst = createBursts(2)
    const done: number[] = []
    for (const number of [1, 2, 3, 4, 5]) void burst(() => done.push(number))
    await turn()
    expect(done).toEqual([1, 2])
    await turn()
    expect(done).toEqual([1, 2, 3, 4])
    await turn()
    expect(done).toEqual([1, 2, 3, 4, 5])
  })

  test('takes what is added while it runs', async () => {
    const burst = createBursts(1)
    const done: string[] = []
    const nested = burst(() => burst(() => done.push('second')))
    const other = burst(() => done.push('first'))
    await Promise.all([nested, other])
    expect(done).toEqual(['first', 'second'])
  })

  test('an error is its own work’s only', async () => {
    const burst = createBursts()
    const fails = burst(() => {
      throw new Error('this one')
    })
    const succeeds = burst(() => 'that one')
    await expect(fails).rejects.toThrow('this one')
    expect(await succeeds).toBe('that one')
  })
})
