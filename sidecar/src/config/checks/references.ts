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
export function opaqueTokensToldApart({ policies, issuers }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, policy]) => {
    const path = ['policies', name, 'issuers']
    const asked = policy.issuers.filter((issuer) => issuers[issuer]?.introspection)
    const prefixes = new Map(
      asked.map((issuer) => [issuer, issuers[issuer]?.introspection?.opaque_tokens?.prefix ?? '']),
    )
    return asked.flatMap((issuer, index) =>
      asked.slice(index + 1).flatMap((other) => {
        const [prefix, otherPrefix] = [prefixes.get(issuer) ?? '', prefixes.get(other) ?? '']
        if (!prefix.startsWith(otherPrefix) && !otherPrefix.startsWith(prefix)) return []
        const reason = `the opaque tokens of ${issuer} and ${other} cannot be told apart by their prefixes`
        return [{ path, reason }]
      }),
    )
  })
}

/** Otherwise what the policy asks for could not be. */
export function jwtsIntrospectable({ policies, issuers }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, { introspect_jwts, issuers: accepted }]) =>
    accepted.flatMap((issuer) => {
      if (!introspect_jwts || !issuers[issuer] || issuers[issuer].introspection) return []
      return [{ path: ['policies', name, 'introspect_jwts'], reason: `${issuer} has no introspection` }]
    }),
  )
}

/** How recent a feed is that there is not, nobody knows. */
export function feedsWhereRequired({ policies, issuers }: Config): PathProblem[] {
  return Object.entries(policies).flatMap(([name, { revocations_within, issuers: accepted }]) =>
    accepted.flatMap((issuer) => {
      if (revocations_within === undefined || !issuers[issuer] || issuers[issuer].revocation_feed) return []
      return [{ path: ['policies', name, 'revocations_within'], reason: `${issuer} has no revocation_feed` }]
    }),
  )
}

/** An issuer whose JWTs are not verified here, and that is not asked either, would have no tokens. */
export function tokensOfSomeKind({ issuers }: Config): PathProblem[] {
  return Object.entries(issuers).flatMap(([name, { token_types, introspection }]) =>
    token_types.length > 0 || introspection
      ? []
      : [{ path: ['issuers', name, 'token_types'], reason: 'may be empty only with introspection' }],
  )
}
