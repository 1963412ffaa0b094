import type { Config } from '../schema.ts'
import type { PathProblem } from './check.ts'

export function knownReferences({ policies, issuers, upstreams }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, policy]) => {
    const unknownIssuers = policy.issuers.flatMap((issuer, index) =>
      Object.hasOwn(issuers, issuer)
        ? []
        : [{ path: ['policies', name, 'issuers', String(index)], reason: `there is no issuer ${issuer}` }],
    )
    const { upstream } = policy
    if (upstream === undefined || Object.hasOwn(upstreams, upstream)) return unknownIssuers
    return [...unknownIssuers, { path: ['policies', name, 'upstream'], reason: `there is no upstream ${upstream}` }]
  })
}

export function distinctIssuers({ issuers }: Config): PathProblem[] {
  const seen = new Map<string, string>()
  return Object.entries(issuers).flatMap(([name, { issuer }]) => {
    const first = seen.get(issuer)
    seen.set(issuer, first ?? name)
    return first === undefined ? [] : [{ path: ['issuers', name, 'issuer'], reason: `is the issuer of ${first} too` }]
  })
}

/** An opaque token does not say who issued it, and asking the wrong issuer would hand it over. */
export function oneIntrospectionPerPolicy({ policies, issuers }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, policy]) => {
    const introspecting = policy.issuers.filter((issuer) => issuers[issuer]?.introspection)
    if (introspecting.length < 2) return []
    const reason = `only one issuer of a policy may have introspection, not ${introspecting.join(' and ')}`
    return [{ path: ['policies', name, 'issuers'], reason }]
  })
}

/** An issuer whose JWTs are not verified here, and that is not asked either, would have no tokens. */
export function tokensOfSomeKind({ issuers }: Config): PathProblem[] {
  return Object.entries(issuers).flatMap(([name, { token_types, introspection }]) =>
    token_types.length > 0 || introspection
      ? []
      : [{ path: ['issuers', name, 'token_types'], reason: 'may be empty only with introspection' }],
  )
}
