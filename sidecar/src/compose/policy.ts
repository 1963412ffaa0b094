/** One policy, from its configuration. */
import type { CacheConfig } from '../config/schema/cache.ts'
import type { PolicyConfig } from '../config/schema/policy.ts'
import { createAdmission } from '../decider/admission.ts'
import { createInspect } from '../decider/inspect.ts'
import { compilePolicy, type Policy } from '../decider/policy.ts'
import { type AuthenticationScheme, createRefusals } from '../decider/refusals.ts'
import { createRoutes } from '../decider/routes.ts'
import { safeReason } from '../failures.ts'
import { createAuthenticate } from '../steps/authenticate.ts'
import { createExtractToken } from '../steps/extract.ts'
import { createGatewayClaims, usualGatewayClaims } from '../steps/gateway-claims.ts'
import { planHeaders } from '../steps/headers.ts'
import type { Authenticate } from '../steps/identity.ts'
import { createIdentityKeys, generateIdentityKey, type IdentityKeys, readIdentityKey } from '../steps/identity-keys.ts'
import { createIdentityTokens, type IdentityTokens } from '../steps/identity-token.ts'
import { createResourceMetadata, type ResourceMetadata } from '../steps/resource-metadata.ts'
import { createCheckRevocation } from '../steps/revocation.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import type { Inspector } from '../transports/inspection.ts'
import { composeAdmission } from './inspection.ts'
import type { ComposedIssuer } from './issuer.ts'
import { composeSenderConstraint } from './sender-constraint.ts'
import type { Toolkit } from './toolkit.ts'

export interface PolicySurroundings {
  /** Those of the policy, by name. */
  issuers: ReadonlyMap<string, ComposedIssuer>
  upstream: UpstreamStep | undefined
  cache: CacheConfig
  /** Whether gateways ask over gRPC. */
  overGrpc: boolean
}

/** What anybody may read of a policy. */
export interface Published {
  resourceMetadata: ResourceMetadata | undefined
  /** The keys of its identity tokens. */
  jwks: (() => object) | undefined
}

export interface ComposedPolicy {
  policy: Policy
  published: Published
  /** Undefined where the policy tells nobody what tokens are. */
  inspector: Inspector | undefined
}

export function composePolicy(
  name: string,
  config: PolicyConfig,
  { issuers, upstream, cache, overGrpc }: PolicySurroundings,
  toolkit: Toolkit,
): ComposedPolicy {
  const { now, logger, limitedLog, timerOf } = toolkit
  const trusted = [...issuers.values()].map((issuer) => issuer.trusted)
  const feeds = new Map([...issuers].flatMap(([issuer, { feed }]) => (feed ? [[issuer, feed]] : [])))
  const identifierOf = (issuer: string) => issuers.get(issuer)?.trusted.issuer ?? issuer
  const { identityTokens, identityKeys } = composeIdentityTokens(name, config, identifierOf, toolkit) ?? {}
  const claimsForGateway = config.gateway_claims ?? (overGrpc ? usualGatewayClaims : undefined)
  const resourceMetadata =
    config.resource_metadata &&
    createResourceMetadata({
      config: config.resource_metadata,
      issuers: trusted.map(({ issuer }) => issuer),
      policy: config,
    })
  const { checkPossession, rehearsePossession, nonces } = composeSenderConstraint(name, config, toolkit)
  const refusals = createRefusals({
    realm: name,
    resourceMetadata: resourceMetadata?.url,
    schemes: schemesOf(config),
    dpopNonce: nonces?.current,
  })
  const routes = createRoutes(config, refusals.refuse)
  const checkRevocation = createCheckRevocation({
    feeds,
    withinMs: config.revocations_within === undefined ? undefined : config.revocations_within * 1_000,
    now,
  })
  const establish = createAuthenticate({
    issuers: trusted,
    introspectJwts: config.introspect_jwts,
    staleForMs: config.on_unavailable.stale_for * 1_000,
  })
  const authentication = timerOf('authenticate')
  const authenticate: Authenticate = (token) => authentication.wait(() => establish(token))
  const maxAgeMs = cache.max_age * 1_000
  const policy = compilePolicy({
    name,
    refusals,
    routes,
    extractToken: createExtractToken(config.token_from),
    authenticate,
    checkPossession,
    rehearsePossession,
    checkRevocation,
    admission: createAdmission({
      headers: planHeaders(config, upstream?.header),
      identityTokens,
      gatewayClaims: claimsForGateway && createGatewayClaims(claimsForGateway, identifierOf),
      removedCookies: removedCookies(config),
      keepsClaims: routes.needsClaims,
      maxAgeMs,
    }),
    upstream,
    forwardsPreflight: config.cors_preflight === 'forward',
    cache,
    timers: {
      revocation: timerOf('revocation'),
      requirements: timerOf('requirements'),
      upstreamToken: timerOf('upstream_token'),
    },
    now,
    onUnavailable(policyName, error) {
      const reason = safeReason(error)
      limitedLog.write(`${policyName} ${reason}`, (leftOut) =>
        logger.warn({ policy: policyName, reason, ...(leftOut > 0 && { left_out: leftOut }) }, 'decision unavailable'),
      )
    },
  })
  const inspector = config.inspection && {
    inspect: createInspect({ authenticate, checkRevocation, now }),
    admits: composeAdmission(name, config.inspection, toolkit),
    maxAgeMs,
  }
  return { policy, published: { resourceMetadata, jwks: identityKeys?.jwks }, inspector }
}

/** Bearer also where a certificate is needed: tokens that are bound to one are presented so (RFC 8705 section 3). */
function schemesOf({ dpop, sender_constraint: wanted }: PolicyConfig): AuthenticationScheme[] {
  return [...(wanted === 'dpop' ? [] : ['Bearer' as const]), ...(dpop ? ['DPoP' as const] : [])]
}

function composeIdentityTokens(
  name: string,
  { identity_token: config }: PolicyConfig,
  identifierOf: (issuer: string) => string,
  { keep, timerOf }: Toolkit,
): { identityTokens: IdentityTokens; identityKeys: IdentityKeys } | undefined {
  if (!config) return undefined
  const { key, ttl } = config
  // Kept apart from the rest: what it has signed is valid after another change of the policy, too.
  const identityKeys = keep('identity keys', [key, ttl], ({ changingSecret, now }) =>
    createIdentityKeys({
      key: key
        ? changingSecret(`${name} identity_token.key`, [key], ([text = '']) => readIdentityKey(text))
        : generateIdentityKey(),
      lifetimeMs: ttl * 1_000,
      now,
    }),
  )
  const identityTokens = createIdentityTokens({ ...config, keys: identityKeys, identifierOf })
  const minting = timerOf('identity_token')
  const mint: IdentityTokens['mint'] = (identity, now) => minting.run(() => identityTokens.mint(identity, now))
  return { identityTokens: { ...identityTokens, mint }, identityKeys }
}

function removedCookies({ caller_token, token_from: sources }: PolicyConfig): Set<string> {
  return new Set(caller_token === 'forward' ? [] : sources.flatMap(({ cookie }) => cookie ?? []))
}
