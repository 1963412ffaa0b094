/** The step that no cache skips: is the token revoked, and can that be known? */
import type { RevocationFeed } from '../remote/revocation-feed.ts'

export type RevocationState = 'in_force' | 'revoked' | 'unknown'

/** @param jti undefined for a token of an issuer whose feed cannot name it; that is refused before (steps above) */
export type CheckRevocation = (issuer: string, jti: string | undefined) => RevocationState

/** @param feeds by the issuer's name; an issuer without one tells of revocations by introspection only */
export function createCheckRevocation(feeds: ReadonlyMap<string, RevocationFeed>): CheckRevocation {
  if (feeds.size === 0) return () => 'in_force'
  return (issuer, jti) => {
    const feed = feeds.get(issuer)
    if (!feed) return 'in_force'
    if (!feed.synced()) return 'unknown'
    return jti !== undefined && feed.isRevoked(jti) ? 'revoked' : 'in_force'
  }
}
