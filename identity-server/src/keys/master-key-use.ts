/** Which master keys are still needed, so that an operator knows when an old one may be taken off the list. */
import type { Logger } from 'pino'
import type { MasterKeyUse } from '../store/encrypted-rows.ts'
import type { MasterKeys } from './master-keys.ts'

/**
 * `current`: nothing but the first key is needed. `old`: others of the list are. `missing`: some that are not on it,
 * and what they protect is lost without them. `unknown`: nobody has looked yet.
 */
export type MasterKeysNeeded = 'current' | 'old' | 'missing' | 'unknown'

export interface MasterKeyUses {
  needed(): MasterKeysNeeded
  /** Takes note of what was found, and logs it. */
  note(uses: readonly MasterKeyUse[]): void
}

export function createMasterKeyUses(
  { keyIds, currentKeyId }: Pick<MasterKeys, 'keyIds' | 'currentKeyId'>,
  logger: Pick<Logger, 'error' | 'warn' | 'info'>,
): MasterKeyUses {
  let needed: MasterKeysNeeded = 'unknown'
  return {
    needed: () => needed,
    note(uses) {
      const missing = uses.filter(({ keyId }) => !keyIds.includes(keyId))
      const old = uses.filter(({ keyId }) => keyId !== currentKeyId && keyIds.includes(keyId))
      // By its place in the list: what an operator knows of a key.
      const found = old.map(({ rows, keyId, count }) => ({ master_key: keyIds.indexOf(keyId) + 1, rows, count }))
      if (missing.length > 0) logger.error({ missing }, 'master keys are needed that are not in the list')
      if (old.length > 0) logger.warn({ found }, 'old master keys are still needed')
      const before = needed
      needed = missing.length > 0 ? 'missing' : old.length > 0 ? 'old' : 'current'
      if (needed === 'current' && before !== needed && keyIds.length > 1) {
        logger.info('only the first master key is needed: the others may be taken off the list')
      }
    },
  }
}
