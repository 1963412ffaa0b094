/** How long one step takes, in µs: the median of several rounds, each long enough for the clock and the compiler. */
import { median } from '../report.ts'

const rounds = 7
const warmUp = 2_000

export async function microsecondsOf(count: number, step: () => unknown): Promise<number> {
  for (let index = 0; index < warmUp; index++) await step()
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now()
    for (let index = 0; index < count; index++) {
      const result = step()
      // Only what waits is waited for: a microtask costs more than some of the steps.
      if (result instanceof Promise) await result
    }
    times.push(((performance.now() - begun) * 1_000) / count)
  }
  return median(times) ?? 0
}

/** The same, with so many of them under way at once: what a busy server sees of work on other threads. */
export async function microsecondsOfMany(count: number, atOnce: number, step: () => Promise<unknown>): Promise<number> {
  const each = Math.ceil(count / atOnce)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now()
    const one = async () => {
      for (let index = 0; index < each; index++) await step()
    }
    await Promise.all(Array.from({ length: atOnce }, one))
    times.push(((performance.now() - begun) * 1_000) / (each * atOnce))
  }
  return median(times) ?? 0
}
