/**
 * A second try of what takes longer than usual, while the first goes on ("The Tail at Scale", Dean and Barroso, 2013): the
 * first that succeeds counts, and the other is ended. Only a share of all work is tried twice, so that a server that is slow
 * throughout is not asked twice for everything.
 */

export interface Hedge {
  /** @param work must change nothing at the other side, and end with its signal */
  run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

/** Of the last durations, of which the 95th percentile is taken; from how few on. */
const window = { size: 128, least: 20 }
/** Second tries in a row at most. */
const maxCredit = 5

/** @param maxShare of all work that is tried twice, at most */
export function createHedge(maxShare: number): Hedge {
  const durations: number[] = []
  let next = 0
  /** What usually is enough, in ms; computed anew once for each quarter of the window. */
  let usualMs: number | undefined
  let credit = 0

  const record = (ms: number) => {
    durations[next % window.size] = ms
    next += 1
    if (next >= window.least && next % (window.size / 4) === window.least % (window.size / 4)) {
      usualMs = durations.toSorted((a, b) => a - b)[Math.floor(durations.length * 0.95)]
    }
  }

  return {
    async run(work) {
      credit = Math.min(maxCredit, credit + maxShare)
      const ending = new AbortController()
      const attempt = async () => {
        const begun = performance.now()
        const result = await work(ending.signal)
        record(performance.now() - begun)
        return result
      }
      const first = attempt()
      if (usualMs === undefined || credit < 1) return first
      const second = unlessSettled(first, usualMs, () => {
        if (credit < 1) return first
        credit -= 1
        return attempt()
      })
      try {
        return await Promise.any([first, second])
      } catch (error) {
        throw error instanceof AggregateError ? error.errors[0] : error
      } finally {
        ending.abort()
      }
    },
  }
}

/** Begins after `ms`, unless the first has settled by then; then it ends as that. */
function unlessSettled<T>(first: Promise<T>, ms: number, begin: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let begun = false
    const timer = setTimeout(() => {
      begun = true
      begin().then(resolve, reject)
    }, ms)
    const settle = (end: () => void) => {
      clearTimeout(timer)
      if (!begun) end()
    }
    first.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
