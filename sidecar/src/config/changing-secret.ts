/**
 * A secret that may change while the sidecar runs: read again when it is used, where its last reading is a while ago. So a
 * swapped file, or the swapped link of a mounted volume, is seen without watching either.
 */

export interface Secret<Value> {
  /** What the source said last, or the last that was good. */
  current(): Value
  /** Reads the source now. @returns whether it says something new */
  reread(): boolean
}

export interface SecretOptions<Value> {
  /** Reads the sources, all in one go. */
  read(): readonly string[]
  /** @throws Error where the texts are no such secret; its message must not hold them */
  parse(texts: readonly string[]): Value
  /** ms since the epoch */
  now: () => number
  /** Told once when the source cannot be used any more, and the last good secret serves on. */
  onProblem(error: unknown): void
}

/** At most one reading in this time, unless it is asked for. */
const readEveryMs = 1_000

/** @throws Error where there is no good secret to begin with */
export function createSecret<Value>({ read, parse, now, onProblem }: SecretOptions<Value>): Secret<Value> {
  let texts = read()
  let value = parse(texts)
  let readAt = now()
  let failing = false

  const reread = () => {
    readAt = now()
    try {
      const found = read()
      const changed = found.some((text, index) => text !== texts[index])
      // Parsed before it is remembered: half of a new pair, say, is tried again with the next reading.
      if (changed) value = parse(found)
      texts = found
      failing = false
      return changed
    } catch (error) {
      if (!failing) onProblem(error)
      failing = true
      return false
    }
  }

  return {
    current() {
      if (Math.abs(now() - readAt) >= readEveryMs) reread()
      return value
    },
    reread,
  }
}
