/** Runs jobs in the background, one run of each at a time. A job that fails is run again; only the log and metrics tell. */
import type { Logger } from 'pino'
import type { Job } from './job.ts'

export interface JobRunner {
  /** Begins to run each job at its interval. */
  start(): void
  /** Runs a job now, or, where a run is under way, after it. @throws what the job throws; Error where there is no such job */
  runOnce(name: string): Promise<void>
  /** Begins no further run, and resolves when those under way have ended. */
  stop(): Promise<void>
}

export interface JobRunnerOptions {
  jobs: readonly Job[]
  logger: Pick<Logger, 'error'>
  /** ms since the epoch */
  now: () => number
  /** Counts a run that has ended. */
  observe(job: string, outcome: 'done' | 'failed', now: number): void
  deadlineMs?: number
}

/** The first runs come soon after the start, but not all at the same moment. */
const firstWithinMs = 10_000

export function createJobRunner({ jobs, logger, now, observe, deadlineMs = 60_000 }: JobRunnerOptions): JobRunner {
  const closing = new AbortController()
  const timers = new Map<string, NodeJS.Timeout>()
  /** By name, the end of the last run that was asked for. */
  const ends = new Map<string, Promise<unknown>>()

  const run = async (job: Job) => {
    try {
      await job.run(now(), AbortSignal.any([closing.signal, AbortSignal.timeout(deadlineMs)]))
      observe(job.name, 'done', now())
    } catch (error) {
      logger.error({ err: error, job: job.name }, 'job failed')
      observe(job.name, 'failed', now())
      throw error
    }
  }

  const runInTurn = (job: Job): Promise<void> => {
    const turn = (ends.get(job.name) ?? Promise.resolve()).then(() => (closing.signal.aborted ? undefined : run(job)))
    // A failure is no news to whoever comes next.
    ends.set(
      job.name,
      turn.catch(() => undefined),
    )
    return turn
  }

  const runAfter = (job: Job, ms: number) => {
    const again = () => {
      if (!closing.signal.aborted) runAfter(job, job.intervalMs * (0.5 + Math.random() / 2))
    }
    timers.set(job.name, setTimeout(() => runInTurn(job).then(again, again), ms).unref())
  }

  return {
    start() {
      for (const job of jobs) runAfter(job, Math.random() * Math.min(firstWithinMs, job.intervalMs))
    },
    async runOnce(name) {
      const job = jobs.find((each) => each.name === name)
      if (!job) throw new Error(`there is no job ${name}`)
      await runInTurn(job)
    },
    async stop() {
      closing.abort()
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(ends.values())
    },
  }
}
