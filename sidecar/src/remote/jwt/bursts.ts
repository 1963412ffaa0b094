/** Verifications one after the other, at the end of a turn of the event loop: spread among other work, each costs more. */

/** Does the work soon. Its error rejects the promise. */
export type Burst = <T>(work: () => T) => Promise<T>

/** Pieces of work after which others get the event loop: of P-256, some milliseconds. */
const most = 32

export function createBursts(): Burst {
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
