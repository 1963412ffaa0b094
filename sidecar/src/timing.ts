/** How long the steps of decisions take. What is known at once is not timed: the clock would take longer than it does. */

/** As in the metrics. */
export const steps = [
  'authenticate',
  'verification',
  'introspection',
  'revocation',
  'sender_constraint',
  'requirements',
  'identity_token',
  'upstream_token',
] as const
export type Step = (typeof steps)[number]

export interface Timer {
  /** Runs a step, and counts how long it takes, whether it fails or not. */
  run<T>(work: () => T): T
  /** The same of one that may wait. */
  wait<T>(work: () => Promise<T>): Promise<T>
}

export type TimerOf = (step: Step) => Timer

export function createTimer(count: (durationMs: number) => void): Timer {
  return {
    run(work) {
      const begun = performance.now()
      try {
        return work()
      } finally {
        count(performance.now() - begun)
      }
    },
    wait(work) {
      const begun = performance.now()
      const end = () => count(performance.now() - begun)
      const waiting = work()
      waiting.then(end, end)
      return waiting
    },
  }
}
