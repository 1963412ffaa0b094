/** Client secrets: made with 256 bits of entropy, kept as keyed SHA-256, compared in constant time. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { MasterKeys } from '../keys/master-keys.ts'

export interface StoredSecret {
  hash: Buffer
  hashKey: string
  /** ms since the epoch; undefined: it does not expire. */
  expiresAt: number | undefined
}

/** A new secret. Its prefix lets secret scanners recognise one that leaked into a repository. */
export function generateClientSecret(): string {
  return `pst_${randomBytes(32).toString('base64url')}`
}

/**
 * Whether the secret is one of the stored ones that have not expired. Takes the same time wherever the difference lies.
 * @param now ms since the epoch
 */
export function clientSecretMatches(
  secret: string,
  stored: readonly StoredSecret[],
  masterKeys: MasterKeys,
  now: number,
): boolean {
  let matches = false
  for (const { hash, hashKey, expiresAt } of stored) {
    const computed = masterKeys.hashUnder(hashKey, secret)
    const equal = computed !== undefined && computed.length === hash.length && timingSafeEqual(computed, hash)
    if (equal && (expiresAt === undefined || now < expiresAt)) matches = true
  }
  return matches
}
