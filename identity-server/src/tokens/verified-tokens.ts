/**
 * Access tokens that were found genuine, with their claims, since tokens are looked at more often than once. Verifying an
 * ES256 signature takes longer than all the rest of an introspection, and an opaque token costs a database read.
 *
 * What was found holds for one key ring: once an auth server's keys change it has another, and nothing is known any more.
 * Expiry and revocation are no part of it; whoever asks looks at both each time.
 */
import { LRUCache } from 'lru-cache'
import type { KeyRing } from '../keys/signing-keys.ts'

export interface VerifiedTokens<Claims> {
  /** The claims, not to be changed. */
  find(keys: KeyRing, token: string): Claims | undefined
  add(keys: KeyRing, token: string, claims: Claims): void
}

/** One bound for all auth servers, so that no number of them is too many. */
const maxTokens = 50_000
/** The claims take about as much again. */
const maxCharacters = 32 * 1024 * 1024

export function createVerifiedTokens<Claims>(): VerifiedTokens<Claims> {
  const known = new LRUCache<string, { keys: KeyRing; claims: Claims }>({
    max: maxTokens,
    maxSize: maxCharacters,
    // The whole token is the key: none can be answered with the claims of another.
    sizeCalculation: (_known, token) => token.length,
  })
  return {
    find(keys, token) {
      const found = known.get(token)
      return found?.keys === keys ? found.claims : undefined
    },
    add: (keys, token, claims) => void known.set(token, { keys, claims }),
  }
}
