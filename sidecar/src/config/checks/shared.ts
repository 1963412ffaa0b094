/** What processes that share an address (`listen.shared`) need in common, since any of them may get any request. */
import type { Config } from '../schema.ts'
import type { PathProblem } from './check.ts'

/** A proof that one of them has seen would be new to the others (RFC 9449 section 11.1). */
export function proofsKnownToAll({ listen, policies, redis }: Config): PathProblem[] {
  if (!listen.shared || redis) return []
  return Object.entries(policies).flatMap(([name, { dpop }]) =>
    dpop ? [{ path: ['policies', name, 'dpop'], reason: 'needs redis with listen.shared: proofs are used once' }] : [],
  )
}

/** Whoever asks for the keys gets those of one of them. */
export function identityKeysOfAll({ listen, policies }: Config): PathProblem[] {
  if (!listen.shared) return []
  return Object.entries(policies).flatMap(([name, { identity_token: token }]) =>
    token && !token.key
      ? [{ path: ['policies', name, 'identity_token'], reason: 'needs a key with listen.shared, the same for all' }]
      : [],
  )
}

/** Where each is used once, every one of them would use up that of the others. */
export function refreshTokensOfOne({ listen, upstreams }: Config): PathProblem[] {
  if (!listen.shared) return []
  return Object.entries(upstreams).flatMap(([name, { grant }]) => {
    const path = ['upstreams', name, 'grant', 'refresh_token', 'state_file']
    const reason = 'is for one process, and listen.shared is for several'
    return grant.refresh_token?.state_file === undefined ? [] : [{ path, reason }]
  })
}
