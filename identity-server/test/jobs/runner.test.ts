import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Job } from '../../src/jobs/job.ts'
import { createJobRunner, type JobRunner } from '../../src/jobs/runner.ts'

const minute = 60_000
let observed: [job: string, outcome: string, now: number][]
let logged: unknown[]
let time: number
let runner: JobRunner | undefined

beforeEach(() => {
  observed = []
  logged = []
  time = 1_000
})
afterEach(async () => {
  await runner?.stop()
  vi.useRealTimers()
})

function create(jobs: Job[], deadlineMs?: number): JobRunner {
  runner = createJobRunner({
    jobs,
    logger: { error: (...line: unknown[]) => void logged.push(line) },
    now: () => time,
    observe: (...run) => void observed.push(run),
    ...(deadlineMs !== undefined && { deadlineMs }),
  })
  return runner
}

const job = (run: Job['run'], name = 'work'): Job => ({ name, intervalMs: minute, run })

describe('a runner', () => {
  test('runs a job with the time, and counts it', async () => {
    const seen: number[] = []
    const { runOnce } = create([job(async (now) => void seen.push(now)), job(async () => undefined, 'other')])
    await runOnce('work')
    time += 5
    await runOnce('work')
    expect(seen).toEqual([1_000, 1_005])
    expect(observed).toEqual([
      ['work', 'done', 1_000],
      ['work', 'done', 1_005],
    ])
    await expect(runOnce('nothing')).rejects.toThrow('there is no job nothing')
  })

  test('logs and counts a failure, and runs the job again', async () => {
    const error = new Error('no luck')
    let runs = 0
    const { runOnce } = create([
      job(async () => {
        runs += 1
        if (runs === 1) throw error
      }),
    ])
    await expect(runOnce('work')).rejects.toBe(error)
    expect(logged).toEqual([[{ err: error, job: 'work' }, 'job failed']])
    await runOnce('work')
    expect(observed.map(([, outcome]) => outcome)).toEqual(['failed', 'done'])
  })

  test('runs a job once at a time, and others beside it', async () => {
    let running = 0
    let most = 0
    const gate = Promise.withResolvers<void>()
    const { runOnce } = create([
      job(async () => {
        running += 1
        most = Math.max(most, running)
        await gate.promise
        running -= 1
      }),
      job(async () => gate.resolve(), 'other'),
    ])
    const runs = [runOnce('work'), runOnce('work'), runOnce('work')]
    await runOnce('other')
    await Promise.all(runs)
    expect(most).toBe(1)
    expect(observed).toHaveLength(4)
  })

  test('asks a run to stop at its deadline', async () => {
    const { runOnce } = create([job((_now, signal) => delay(10_000, undefined, { signal }))], 10)
    await expect(runOnce('work')).rejects.toMatchObject({ name: 'AbortError' })
    expect(observed).toEqual([['work', 'failed', 1_000]])
  })

  test('runs each job soon after the start, then at its interval less a random part, whatever becomes of the runs', async () => {
    vi.useFakeTimers()
    const at: number[] = []
    const { start, stop } = create([
      job(async () => {
        at.push(Date.now())
        if (at.length % 2) throw new Error('every other')
      }),
    ])
    const begun = Date.now()
    start()
    await vi.advanceTimersByTimeAsync(60 * minute)
    expect((at[0] ?? 0) - begun).toBeLessThanOrEqual(10_000)
    const waits = at.slice(1).map((each, index) => each - (at[index] ?? 0))
    expect(waits.length).toBeGreaterThanOrEqual(58)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(minute / 2)
    expect(Math.max(...waits)).toBeLessThanOrEqual(minute)
    expect(new Set(waits.map(Math.round)).size).toBeGreaterThan(10)
    await stop()
    const runs = at.length
    await vi.advanceTimersByTimeAsync(10 * minute)
    expect(at).toHaveLength(runs)
  })

  test('stops: the run under way is asked to, waited for, and none follows', async () => {
    const begun = Promise.withResolvers<void>()
    let ended = false
    const { runOnce, stop } = create([
      job(async (_now, signal) => {
        begun.resolve()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        await delay(5)
        ended = true
      }),
    ])
    const runs = [runOnce('work'), runOnce('work')]
    await begun.promise
    await stop()
    expect(ended).toBe(true)
    await Promise.all(runs)
    expect(observed).toHaveLength(1)
  })
})
