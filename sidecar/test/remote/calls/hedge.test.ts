import { describe, expect, test } from 'vitest'
import { createHedge } from '../../../src/remote/calls/hedge.ts'

const quick = async () => 'quick'
/** Never comes, but for the end of its signal. */
const never = (signal: AbortSignal) =>
  new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))))

async function seasoned(maxShare: number, times = 40) {
  const hedge = createHedge(maxShare)
  for (let count = 0; count < times; count++) await hedge.run(quick)
  return hedge
}

describe('work that takes longer than usual', () => {
  test('is begun a second time; the first answer counts, and the other is ended', async () => {
    const hedge = await seasoned(0.05)
    const signals: AbortSignal[] = []
    const result = await hedge.run((signal) => {
      signals.push(signal)
      return signals.length === 1 ? never(signal) : quick()
    })
    expect(result).toBe('quick')
    expect(signals).toHaveLength(2)
    expect(signals[0]?.aborted).toBe(true)
  })

  test('counts though the second fails', async () => {
    const hedge = await seasoned(0.05)
    let begun = 0
    const result = await hedge.run(async () => {
      begun += 1
      if (begun === 2) throw new Error('second')
      await new Promise((resolve) => setTimeout(resolve, 50))
      return 'first'
    })
    expect([result, begun]).toEqual(['first', 2])
  })

  test('counts by the second though the first fails meanwhile', async () => {
    const hedge = await seasoned(0.05)
    let begun = 0
    const result = await hedge.run(async () => {
      begun += 1
      const isFirst = begun === 1
      await new Promise((resolve) => setTimeout(resolve, isFirst ? 50 : 100))
      if (isFirst) throw new Error('first')
      return 'second'
    })
    expect([result, begun]).toEqual(['second', 2])
  })

  test('fails as the first where both fail', async () => {
    const hedge = await seasoned(0.05)
    let begun = 0
    const both = hedge.run(async () => {
      begun += 1
      const which = begun
      await new Promise((resolve) => setTimeout(resolve, 50))
      throw new Error(`failure ${which}`)
    })
    await expect(both).rejects.toThrow('failure 1')
    expect(begun).toBe(2)
  })

  test('is not begun again where it failed before', async () => {
    const hedge = await seasoned(0.05)
    let begun = 0
    const failing = hedge.run(async () => {
      begun += 1
      throw new Error('at once')
    })
    await expect(failing).rejects.toThrow('at once')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(begun).toBe(1)
  })

  test('is begun once before it is known how long it usually takes', async () => {
    const hedge = await seasoned(0.5, 10)
    let begun = 0
    await hedge.run(async () => {
      begun += 1
      await new Promise((resolve) => setTimeout(resolve, 30))
    })
    expect(begun).toBe(1)
  })

  test('is begun twice for a share of all work only, however slow all of it is', async () => {
    const hedge = await seasoned(0.05, 400)
    let begun = 0
    const slow = async () => {
      begun += 1
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await Promise.all(Array.from({ length: 200 }, () => hedge.run(slow)))
    expect(begun).toBeGreaterThan(200)
    // Five that had been saved up, and a twentieth of 200.
    expect(begun).toBeLessThanOrEqual(200 + 5 + 10)
  })
})
