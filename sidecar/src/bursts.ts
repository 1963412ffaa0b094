/**
 * Small pieces of work, done together at the end of a turn of the event loop. Verifications one after the other find the
 * tables of their curve in the processor's caches (docs/decisions/0042); answers one after the other wake their client
 * once, and not each time (docs/decisions/0059).
 */

/** Pieces after which others get the event loop: of verifications, some milliseconds. */
const usualMost = 32

/**
 * @param work must not throw
 * @param most pieces of work in one turn of the event loop
 * @returns takes what is to be worked on soon
 */
export function atEndOfTurn<T>(work: (item: T) => void, most = usualMost): (item: T) => void {
  const waiting: T[] = []
  const run = () => {
    const taken = waiting.splice(0, most)
    if (waiting.length > 0) setImmediate(run)
    for (const item of taken) work(item)
  }
  return (item) => {
    if (waiting.push(item) === 1) setImmediate(run)
  }
}

/** Does the work soon. Its error rejects the promise. */
export type Burst = <T>(work: () => T) => Promise<T>

/** @param most pieces of work in one turn of the event loop */
export function createBursts(most?: number): Burst {
  const soon = atEndOfTurn((work: () => void) => work(), most)
  return (work) =>
    new Promise((resolve, reject) =>
      soon(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      }),
    )
}
