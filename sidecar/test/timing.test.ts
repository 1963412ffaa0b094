import { describe, expect, test } from 'vitest'
import { createTimer } from '../src/timing.ts'

describe('a timer', () => {
  test('counts a step that may wait until it has ended, whether it failed or not', async () => {
    const counted: number[] = []
    const timer = createTimer((ms) => counted.push(ms))
    const { promise, resolve } = Promise.withResolvers<string>()
    const waiting = timer.wait(() => promise)
    await new Promise((done) => setTimeout(done, 20))
    expect(counted).toEqual([])
    resolve('done')
    expect(await waiting).toBe('done')
    expect(counted).toEqual([expect.any(Number)])
    expect(counted[0]).toBeGreaterThan(15)
    await expect(timer.wait(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    expect(counted).toHaveLength(2)
  })

  test('counts one that is done at once, whether it failed or not', () => {
    const counted: number[] = []
    const timer = createTimer((ms) => counted.push(ms))
    expect(timer.run(() => 'done')).toBe('done')
    expect(() =>
      timer.run(() => {
        throw new Error('failed')
      }),
    ).toThrow('failed')
    expect(counted).toHaveLength(2)
    expect(counted.every((ms) => ms >= 0)).toBe(true)
  })
})
