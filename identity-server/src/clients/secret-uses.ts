/**
 * When each client secret was last used. A use is noted in memory and written with others now and then: rotation asks
 * whether anybody still uses the old one, not at which second.
 */
import { recordSecretUses, type SecretUse } from '../store/client-secret-uses.ts'
import type { Database } from '../store/database.ts'

export interface SecretUses {
  /** @param now ms since the epoch */
  note(authServer: string, secret: string, now: number): void
  /** Writes what was noted. @throws StoreError; what could not be written is then noted still */
  flush(): Promise<void>
}

/** Beyond this, further secrets are noted after the next write. */
const maxNoted = 100_000
const batch = 1_000

export function createSecretUses(db: Database): SecretUses {
  let noted = new Map<string, SecretUse>()
  return {
    note(authServer, secret, now) {
      const key = `${authServer}\n${secret}`
      if (noted.size < maxNoted || noted.has(key)) noted.set(key, { authServer, secret, at: new Date(now) })
    },
    async flush() {
      const taken = [...noted]
      noted = new Map()
      for (let start = 0; start < taken.length; start += batch) {
        const part = taken.slice(start, start + batch)
        try {
          await db.commit('maintenance', (tx) =>
            recordSecretUses(
              tx,
              part.map(([, use]) => use),
            ),
          )
        } catch (error) {
          // Newer uses, noted meanwhile, win.
          noted = new Map([...taken.slice(start), ...noted])
          throw error
        }
      }
    },
  }
}
