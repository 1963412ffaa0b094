/**
 * What writers were told is stored. Of each key, either the last acknowledged value must be found again, or, where a
 * write had been sent but not acknowledged, the value of that write.
 */
export interface Ledger {
  /**
   * Sends a write of the key and, where it is acknowledged, keeps its value.
   * @param value undefined: the write deletes
   */
  write(key: string, value: string | undefined, send: () => Promise<boolean>): Promise<boolean>
  /** Compares with what is stored now, and takes that for known. @returns a sentence for each contradiction */
  compare(find: (key: string) => Promise<string | undefined>): Promise<string[]>
  acknowledged(): number
}

export function createLedger(): Ledger {
  const known = new Map<string, string | undefined>()
  const pending = new Map<string, string | undefined>()
  let acknowledged = 0
  return {
    async write(key, value, send) {
      pending.set(key, value)
      // A failure leaves open whether the write took place: it stays pending.
      const done = await send().catch(() => false)
      if (!done) return false
      pending.delete(key)
      known.set(key, value)
      acknowledged += 1
      return true
    },
    async compare(find) {
      const contradictions: string[] = []
      for (const key of new Set([...known.keys(), ...pending.keys()])) {
        const found = await find(key)
        const allowed = [known.get(key), ...(pending.has(key) ? [pending.get(key)] : [])]
        if (!allowed.includes(found)) contradictions.push(`${key} is ${found}, not ${allowed.join(' or ')}`)
        known.set(key, found)
      }
      pending.clear()
      return contradictions
    },
    acknowledged: () => acknowledged,
  }
}
