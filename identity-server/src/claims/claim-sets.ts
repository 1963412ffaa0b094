/** The claims of auth servers: compiled when they are first needed, and again when what is stored has changed. */
import type { ClaimRow } from '../store/claims.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { ClaimDefinition } from './claim.ts'
import { type ClaimSet, compileClaimSet, noClaims } from './claim-set.ts'
import { compileSourceOrFail, type SourceDeps } from './sources/list.ts'

/** @returns what costs nothing to ask for, request by request */
export type ClaimSetOf = (authServer: AuthServer) => ClaimSet

export function createClaimSets(deps: SourceDeps): ClaimSetOf {
  // An auth server is loaded anew when its claims change: the entry then is another object.
  const compiled = new WeakMap<AuthServer, ClaimSet>()
  return (authServer) => {
    const { claims } = authServer
    if (!claims) return noClaims
    const known = compiled.get(authServer)
    if (known) return known
    const sources = claims.sources.map((row) => compileSourceOrFail(row, deps))
    const set = compileClaimSet(claims.rows.map(toDefinition), sources)
    compiled.set(authServer, set)
    return set
  }
}

export function toDefinition({ name, value, condition, placements, optional }: ClaimRow): ClaimDefinition {
  const parsed: unknown = JSON.parse(value)
  return { name, value: parsed, condition, placements, optional }
}
