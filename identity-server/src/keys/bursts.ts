/**
 * Runs small pieces of work together, at the end of a turn of the event loop. Signatures with one curve after the other
 * find its tables in the processor's caches; spread among other work, each costs twice as much (docs/decisions/0024).
 */

/** Pieces after which others get the event loop: of signatures, about a millisecond. */
const defaultMost = 32

/** Does the work soon. Its error rejects the promise. */
export type Burst = <T>(work: () => T) => Promise<T>

/** @param most pieces of work in one turn of the event loop */
export function createBursts(most = defaultMost): Burst {
  const waiting: (() => void)[] = []

  const run = () => {
    for (const work of waiting.splice(0, most)) work()
    if (waiting.length > 0) setImmediate(run)
  }
  return (work) =>
    new Promise((resolve, reject) => {
      const length = waiting.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      if (length === 1) setImmediate(run)
    })
}
