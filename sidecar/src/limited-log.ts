/** Lines that an outage under load would repeat for each request: once in a while, with how many were left out. */

export interface LimitedLog {
  /** @param key of lines that are alike; their number must be bounded by the configuration */
  write(key: string, line: (leftOut: number) => void): void
}

const everyMs = 5_000
/** Keys beyond this share one. */
const maxKeys = 1_000

/** @param now ms since the epoch */
export function createLimitedLog(now: () => number): LimitedLog {
  const lines = new Map<string, { writtenAt: number; leftOut: number }>()
  return {
    write(wanted, line) {
      const key = lines.has(wanted) || lines.size < maxKeys ? wanted : ''
      const before = lines.get(key)
      if (before && now() - before.writtenAt < everyMs) before.leftOut += 1
      else {
        lines.set(key, { writtenAt: now(), leftOut: 0 })
        line(before?.leftOut ?? 0)
      }
    },
  }
}
