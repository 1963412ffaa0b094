/**
 * A policy, compiled: the steps that it needs, in their order, with everything set up. Nothing below `decide` reads
 * configuration, compiles, or looks anything up by name.
 */
import type { Allow, Decision, DecisionRequest } from '@postern/protocol/decision'
import type { CacheConfig } from '../config/schema/cache.ts'
import { DependencyError, Refusal } from '../failures.ts'
import { createSingleFlight } from '../remote/single-flight.ts'
import type { UpstreamToken } from '../remote/upstream-tokens.ts'
import { extractToken } from '../steps/extract.ts'
import type { HeaderPlan } from '../steps/headers.ts'
import type { Authenticate, Identity } from '../steps/identity.ts'
import type { CheckRevocation } from '../steps/revocation.ts'
import { requireScopes } from '../steps/scopes.ts'
import { refuseBoundToKey } from '../steps/sender-constraint.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import { createOutcomeCache, type Outcome, type Verified } from './outcome-cache.ts'
import { createRefusals, unavailable } from './refusals.ts'

export interface PolicyParts {
  name: string
  requiredScopes: readonly string[]
  authenticate: Authenticate
  checkRevocation: CheckRevocation
  headers: HeaderPlan
  upstream: UpstreamStep | undefined
  cache: CacheConfig
  /** ms since the epoch */
  now: () => number
  /** Told why a decision was `unavailable`. */
  onUnavailable(policy: string, error: unknown): void
}

/** Plain numbers, since the hot path counts: metrics read them when they are asked for. */
export interface PolicyCounts {
  allow: number
  deny: number
  unavailable: number
  cacheHits: number
  cacheMisses: number
}

export interface Policy {
  readonly counts: PolicyCounts
  readonly cachedOutcomes: number
  decide(request: DecisionRequest): Decision | Promise<Decision>
}

/** Tokens that are being authenticated at once, in each policy: beyond that, asking more would help nobody. */
const maxInFlight = 10_000

export function compilePolicy(parts: PolicyParts): Policy {
  const { name, requiredScopes, authenticate, checkRevocation, headers, upstream, now } = parts
  const counts: PolicyCounts = { allow: 0, deny: 0, unavailable: 0, cacheHits: 0, cacheMisses: 0 }
  const refusals = createRefusals(name, requiredScopes)
  const outcomes = createOutcomeCache(parts.cache)
  const flights = createSingleFlight<Outcome>()
  const maxAgeMs = parts.cache.max_age * 1_000

  const establish = async (token: string): Promise<Outcome> => {
    try {
      const identity = await authenticate(token)
      refuseBoundToKey(identity)
      requireScopes(identity, requiredScopes)
      const outcome = toVerified(identity, headers, maxAgeMs, now())
      outcomes.set(token, outcome, now())
      return outcome
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const outcome = { refused: refusals.of(error), holdsUntil: Number.POSITIVE_INFINITY }
      if (!error.passing) outcomes.set(token, outcome, now())
      return outcome
    }
  }

  const authenticateOnce = (token: string): Promise<Outcome> => {
    if (flights.size >= maxInFlight) throw new DependencyError(name, 'too many tokens are being authenticated')
    return flights.run(token, () => establish(token))
  }

  /** @param fetched the upstream's token, where it had to be waited for; then everything is asked again */
  const conclude = (outcome: Outcome, fetched?: UpstreamToken): Decision | Promise<Decision> => {
    if ('refused' in outcome) return outcome.refused
    if (now() >= outcome.expiresAt) return refusals.expired
    const revocation = checkRevocation(outcome)
    if (revocation === 'revoked') return refusals.revoked
    if (revocation === 'unknown') throw new DependencyError(outcome.issuer, 'revocations are not known yet')
    if (!upstream) return outcome.allow
    const token = fetched ?? upstream.tokens.current()
    if (token) return combine(outcome, upstream.header, token)
    return upstream.tokens.get().then((late) => conclude(outcome, late))
  }

  const count = (decision: Decision): Decision => {
    counts[decision.decision] += 1
    return decision
  }
  const fail = (error: unknown): Decision => {
    parts.onUnavailable(name, error)
    return count(unavailable)
  }

  return {
    counts,
    get cachedOutcomes() {
      return outcomes.size
    },
    decide(request) {
      try {
        const extraction = extractToken(request.headers)
        if (extraction === 'none') return count(refusals.missing)
        if (extraction === 'malformed') return count(refusals.malformed)
        const known = outcomes.get(extraction.token, now())
        if (!known) {
          counts.cacheMisses += 1
          return authenticateOnce(extraction.token).then(conclude).then(count).catch(fail)
        }
        counts.cacheHits += 1
        const decision = conclude(known)
        return decision instanceof Promise ? decision.then(count).catch(fail) : count(decision)
      } catch (error) {
        return fail(error)
      }
    },
  }
}

/** For the way to the gateway: what is not kept here is still acted on there, a moment later. */
const transitMs = 1_000

/** Nobody keeps the decision longer than this cache would. */
function toVerified(identity: Identity, headers: HeaderPlan, maxAgeMs: number, now: number): Verified {
  const { issuer, revocable, expiresAt, holdsUntil } = identity
  const keptUntil = Math.min(holdsUntil, now + maxAgeMs)
  const allow: Allow = {
    decision: 'allow',
    remove_headers: [...headers.remove],
    set_headers: headers.identityHeaders(identity),
    expires_at: Math.min(expiresAt, Math.max(keptUntil, now + transitMs)) / 1_000,
  }
  return { issuer, revocable, inForceAt: 0, expiresAt, holdsUntil, allow, combined: undefined }
}

/** The decision with the upstream's token: made once for each pair of the two. */
function combine(outcome: Verified, header: string, token: UpstreamToken): Allow {
  const { accessToken, headerValue, expiresAt } = token
  if (outcome.combined?.accessToken === accessToken) return outcome.combined.allow
  const allow: Allow = {
    ...outcome.allow,
    set_headers: { ...outcome.allow.set_headers, [header]: headerValue },
    expires_at: Math.min(outcome.allow.expires_at, expiresAt / 1_000),
  }
  outcome.combined = { accessToken, allow }
  return allow
}
