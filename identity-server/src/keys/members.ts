import type { SigningKeyRow } from '../store/signing-keys.ts'
import { publishedJwk } from './signing-keys.ts'

/** A signing key as administrators see it, and the audit log tells of it. */
export function keyMembers(row: SigningKeyRow) {
  const { kid, algorithm, state, activates_at, retired_at, removes_at } = row
  return {
    kid,
    algorithm,
    state,
    jwk: publishedJwk(row),
    activates_at: activates_at.toISOString(),
    retired_at: retired_at?.toISOString() ?? null,
    removes_at: removes_at?.toISOString() ?? null,
  }
}
