/** The policies, compiled, with the issuers and upstreams that they share. */
import type { Config } from '../config/schema.ts'
import type { Policy } from '../decider/policy.ts'
import type { Jwks } from '../remote/jwt/jwks.ts'
import type { RevocationFeed } from '../remote/revocations/revocation-feed.ts'
import { type CheckCaller, createCheckCaller } from '../steps/caller-revocation.ts'
import { createCheckRevocation } from '../steps/revocation.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import type { Inspector } from '../transports/inspection.ts'
import { composeIssuer } from './issuer.ts'
import { composePolicy, type Published } from './policy.ts'
import type { Toolkit } from './toolkit.ts'
import { composeUpstream } from './upstream.ts'

export interface ComposedPolicies {
  policies: ReadonlyMap<string, Policy>
  /** By the policy's name. */
  published: ReadonlyMap<string, Published>
  inspectors: ReadonlyMap<string, Inspector>
  /** By the issuer's name, as are the feeds. */
  keys: ReadonlyMap<string, Jwks>
  feeds: ReadonlyMap<string, RevocationFeed>
  upstreams: ReadonlyMap<string, UpstreamStep>
  checkCaller: CheckCaller
}

export function composePolicies(config: Config, { keep, now }: Toolkit): ComposedPolicies {
  const { cache, listen } = config
  const overGrpc = listen.grpc !== undefined || listen.grpc_unix !== undefined
  const issuers = mapValues(config.issuers, (name, issuer) => {
    const surroundings = { cache, feedMaxAge: smallestFeedAge(config, name) }
    return keep(`issuer ${name}`, [issuer, surroundings], (toolkit) =>
      composeIssuer(name, issuer, surroundings, toolkit),
    )
  })
  const upstreams = mapValues(config.upstreams, (name, upstream) =>
    keep(`upstream ${name}`, [upstream], (toolkit) => composeUpstream(name, upstream, toolkit)),
  )
  const keys = new Map([...issuers].flatMap(([name, { keys }]) => pairs(name, keys)))
  const feeds = new Map([...issuers].flatMap(([name, { feed }]) => pairs(name, feed)))

  const composed = mapValues(config.policies, (name, policy) => {
    const trusted = new Map(policy.issuers.flatMap((issuer) => pairs(issuer, issuers.get(issuer))))
    const upstream = policy.upstream === undefined ? undefined : upstreams.get(policy.upstream)
    return keep(`policy ${name}`, [policy, cache, overGrpc, ...trusted.values(), upstream], (toolkit) =>
      composePolicy(name, policy, { issuers: trusted, upstream, cache, overGrpc }, toolkit),
    )
  })
  return {
    policies: mapEach(composed, ({ policy }) => policy),
    published: mapEach(composed, ({ published }) => published),
    inspectors: new Map([...composed].flatMap(([name, { inspector }]) => pairs(name, inspector))),
    keys,
    feeds,
    upstreams,
    checkCaller: createCheckCaller(
      new Map(
        Object.entries(config.issuers).flatMap(([name, { issuer }]) => (feeds.has(name) ? [[issuer, name]] : [])),
      ),
      createCheckRevocation({ feeds, withinMs: undefined, now }),
    ),
  }
}

/** How recent the issuer's feed has to be for the policy that bears least. */
function smallestFeedAge({ policies, issuers }: Config, issuer: string): number | undefined {
  const ages = Object.values(policies).flatMap((policy) =>
    policy.issuers.includes(issuer) ? (policy.revocations_within ?? []) : [],
  )
  const all = [...ages, issuers[issuer]?.revocation_feed?.max_age ?? []].flat()
  return all.length === 0 ? undefined : Math.min(...all)
}

function pairs<Value>(name: string, value: Value | undefined): [string, Value][] {
  return value === undefined ? [] : [[name, value]]
}

function mapValues<From, To>(record: Record<string, From>, map: (name: string, value: From) => To): Map<string, To> {
  return new Map(Object.entries(record).map(([name, value]) => [name, map(name, value)]))
}

function mapEach<From, To>(all: ReadonlyMap<string, From>, map: (value: From) => To): Map<string, To> {
  return new Map([...all].map(([name, value]) => [name, map(value)]))
}
