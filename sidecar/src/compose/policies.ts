/** The policies, compiled, with the issuers and upstreams that they share. */
import type { Config } from '../config/schema.ts'
import { compilePolicy, type Policy } from '../decider/policy.ts'
import { safeReason } from '../failures.ts'
import type { RevocationFeed } from '../remote/revocation-feed.ts'
import { createAuthenticate } from '../steps/authenticate.ts'
import { planHeaders } from '../steps/headers.ts'
import { createCheckRevocation } from '../steps/revocation.ts'
import { composeIssuer } from './issuer.ts'
import type { Toolkit } from './toolkit.ts'
import { composeUpstream } from './upstream.ts'

export interface ComposedPolicies {
  policies: ReadonlyMap<string, Policy>
  /** By the issuer's name. */
  feeds: ReadonlyMap<string, RevocationFeed>
}

export function composePolicies(config: Config, toolkit: Toolkit): ComposedPolicies {
  const issuers = mapValues(config.issuers, (name, issuer) => composeIssuer(name, issuer, toolkit))
  const upstreams = mapValues(config.upstreams, (name, upstream) => composeUpstream(name, upstream, toolkit))
  const feeds = new Map([...issuers].flatMap(([name, { feed }]) => (feed ? [[name, feed]] : [])))
  const checkRevocation = createCheckRevocation(feeds)

  const policies = mapValues(config.policies, (name, policy) => {
    const upstream = policy.upstream === undefined ? undefined : upstreams.get(policy.upstream)
    return compilePolicy({
      name,
      requiredScopes: policy.required_scopes,
      authenticate: createAuthenticate(policy.issuers.flatMap((issuer) => issuers.get(issuer)?.trusted ?? [])),
      checkRevocation,
      headers: planHeaders(policy, upstream?.header),
      upstream,
      cache: config.cache,
      now: toolkit.now,
      onUnavailable: (policyName, error) =>
        toolkit.logger.warn({ policy: policyName, reason: safeReason(error) }, 'decision unavailable'),
    })
  })
  return { policies, feeds }
}

function mapValues<From, To>(record: Record<string, From>, map: (name: string, value: From) => To): Map<string, To> {
  return new Map(Object.entries(record).map(([name, value]) => [name, map(name, value)]))
}
