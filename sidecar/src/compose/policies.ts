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

export function composePolicies(config: Config, { keep }: Toolkit): ComposedPolicies {
  const issuers = mapValues(config.issuers, (name, issuer) =>
    keep(`issuer ${name}`, [issuer], (toolkit) => composeIssuer(name, issuer, toolkit)),
  )
  const upstreams = mapValues(config.upstreams, (name, upstream) =>
    keep(`upstream ${name}`, [upstream], (toolkit) => composeUpstream(name, upstream, toolkit)),
  )
  const feeds = new Map([...issuers].flatMap(([name, { feed }]) => pairs(name, feed)))

  const policies = mapValues(config.policies, (name, policy) => {
    const trusted = new Map(policy.issuers.flatMap((issuer) => pairs(issuer, issuers.get(issuer))))
    const upstream = policy.upstream === undefined ? undefined : upstreams.get(policy.upstream)
    return keep(`policy ${name}`, [policy, config.cache, ...trusted.values(), upstream], ({ now, logger }) =>
      compilePolicy({
        name,
        requiredScopes: policy.required_scopes,
        authenticate: createAuthenticate([...trusted.values()].map((issuer) => issuer.trusted)),
        checkRevocation: createCheckRevocation(
          new Map([...trusted].flatMap(([issuer, { feed }]) => pairs(issuer, feed))),
        ),
        headers: planHeaders(policy, upstream?.header),
        upstream,
        cache: config.cache,
        now,
        onUnavailable: (policyName, error) =>
          logger.warn({ policy: policyName, reason: safeReason(error) }, 'decision unavailable'),
      }),
    )
  })
  return { policies, feeds }
}

function pairs<Value>(name: string, value: Value | undefined): [string, Value][] {
  return value === undefined ? [] : [[name, value]]
}

function mapValues<From, To>(record: Record<string, From>, map: (name: string, value: From) => To): Map<string, To> {
  return new Map(Object.entries(record).map(([name, value]) => [name, map(name, value)]))
}
