/**
 * A policy, compiled: the steps that it needs, in their order, with everything set up. Nothing below `decide` reads
 * configuration, compiles, or looks anything up by name.
 */
import type { Allow, Decision, DecisionRequest, Deny } from '@postern/protocol/decision'
import type { CacheConfig } from '../config/schema/cache.ts'
import { DependencyError, Refusal } from '../failures.ts'
import { createSingleFlight } from '../remote/single-flight.ts'
import type { UpstreamToken } from '../remote/upstream-tokens.ts'
import { isPreflight } from '../steps/preflight.ts'
import { readConfirmation } from '../steps/sender-constraint/confirmation.ts'
import type { CheckPossession } from '../steps/sender-constraint/possession.ts'
import type { PresentedToken } from '../steps/token-sources/source.ts'
import { type DecidingParts, type Explanation, explain } from './explain.ts'
import { createOutcomeCache, type Outcome, type Verified } from './outcome-cache.ts'
import { ambiguous, closed, unavailable } from './refusals.ts'
import type { Route } from './routes.ts'

export interface PolicyParts extends DecidingParts {
  name: string
  checkPossession: CheckPossession
  cache: CacheConfig
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
  /** What it would decide, and why; nothing is kept or used up. */
  explain(request: DecisionRequest): Promise<Explanation>
}

/** Tokens that are being authenticated at once, in each policy: beyond that, asking more would help nobody. */
const maxInFlight = 10_000

export function compilePolicy(parts: PolicyParts): Policy {
  const { name, refusals, routes, extractToken, authenticate, admission, upstream, now } = parts
  const { checkPossession, checkRevocation } = parts
  const counts: PolicyCounts = { allow: 0, deny: 0, unavailable: 0, cacheHits: 0, cacheMisses: 0 }
  const upstreamHeader = upstream?.header ?? ''
  const outcomes = createOutcomeCache(parts.cache)
  const flights = createSingleFlight<Outcome>()

  const establish = async (token: string): Promise<Outcome> => {
    try {
      const identity = await authenticate(token)
      const tokens = upstream?.tokensOf({ token, ...identity })
      const outcome = admission.verified(identity, readConfirmation(identity.claims), now(), tokens)
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

  /** The answer to a genuine token that is of no use any more. */
  const refusalInForce = (verified: Verified, time: number): Deny | undefined => {
    if (time >= verified.identity.expiresAt) return refusals.expired
    const revocation = checkRevocation(verified)
    if (revocation === 'revoked') return refusals.revoked
    if (revocation === 'unknown') throw new DependencyError(verified.issuer, 'revocations are not known yet')
    return undefined
  }

  /** What a genuine token gets. @param fetched the upstream's token, where it had to be waited for */
  const admit = (
    verified: Verified,
    route: Route,
    request: DecisionRequest,
    fetched?: UpstreamToken,
  ): Decision | Promise<Decision> => {
    const time = now()
    const refusal = refusalInForce(verified, time) ?? route.refusal(verified, request, time)
    if (refusal) return refusal
    if (time >= verified.renewAt) admission.renew(verified, time)
    const { upstreamTokens } = verified
    if (!upstreamTokens) return verified.allow
    const token = fetched ?? upstreamTokens.current()
    if (token) return combine(verified, upstreamHeader, token)
    // Everything is asked again once it is there: waiting takes time.
    return upstreamTokens.get().then((late) => admit(verified, route, request, late))
  }

  const admitAnonymous = (): Decision | Promise<Decision> => {
    const allow = admission.anonymous(now())
    const upstreamTokens = upstream?.tokensOf(undefined)
    if (!upstreamTokens) return allow
    const token = upstreamTokens.current()
    if (token) return withUpstreamToken(allow, upstreamHeader, token)
    return upstreamTokens.get().then((late) => withUpstreamToken(admission.anonymous(now()), upstreamHeader, late))
  }

  /** What a token gets that whoever presents it must prove to be theirs: of this the next request knows nothing. */
  const admitProven = async (
    verified: Verified,
    presented: PresentedToken,
    route: Route,
    request: DecisionRequest,
  ): Promise<Decision> => {
    // Nobody makes us verify proofs for a token that is of no use.
    const refusal = refusalInForce(verified, now())
    if (refusal) return refusal
    try {
      await checkPossession(presented, verified.confirmation, request)
    } catch (error) {
      if (error instanceof Refusal) return refusals.ofProof(error)
      throw error
    }
    const decision = await admit(verified, route, request)
    return decision.decision === 'allow' ? admission.once(decision, now()) : decision
  }

  const conclude = (
    outcome: Outcome,
    presented: PresentedToken,
    route: Route,
    request: DecisionRequest,
  ): Decision | Promise<Decision> => {
    if ('refused' in outcome) return outcome.refused
    const free = outcome.confirmation === undefined && presented.scheme === undefined
    return free ? admit(outcome, route, request) : admitProven(outcome, presented, route, request)
  }

  const finish = (decision: Decision, request: DecisionRequest): Decision =>
    admission.finish && decision.decision === 'allow' ? admission.finish(decision, request) : decision

  const count = (decision: Decision): Decision => {
    counts[decision.decision] += 1
    return decision
  }
  const fail = (error: unknown): Decision => {
    parts.onUnavailable(name, error)
    return count(unavailable)
  }

  const decide = (request: DecisionRequest): Decision | Promise<Decision> => {
    const route = routes.of(request)
    if (route === 'ambiguous') return ambiguous
    if (route.access === 'nobody') return closed
    if (parts.forwardsPreflight && isPreflight(request)) return admission.anonymous(now())
    const extraction = extractToken(request)
    if (extraction === 'malformed') return refusals.malformed
    if (extraction === 'none') return route.access === 'anonymous' ? admitAnonymous() : refusals.missing
    return decideAbout(extraction, route, request)
  }

  const decideAbout = (
    presented: PresentedToken,
    route: Route,
    request: DecisionRequest,
  ): Decision | Promise<Decision> => {
    const known = outcomes.get(presented.token, now())
    if (known) {
      counts.cacheHits += 1
      return conclude(known, presented, route, request)
    }
    counts.cacheMisses += 1
    return authenticateOnce(presented.token).then((outcome) => conclude(outcome, presented, route, request))
  }

  return {
    counts,
    get cachedOutcomes() {
      return outcomes.size
    },
    explain: (request) => explain(parts, (token) => outcomes.get(token, now()), request),
    decide(request) {
      try {
        const decision = decide(request)
        if (decision instanceof Promise)
          return decision
            .then((late) => finish(late, request))
            .then(count)
            .catch(fail)
        return count(finish(decision, request))
      } catch (error) {
        return fail(error)
      }
    },
  }
}

/** The decision with the upstream's token: made once for each pair of the two. */
function combine(outcome: Verified, header: string, token: UpstreamToken): Allow {
  if (outcome.combined?.accessToken === token.accessToken) return outcome.combined.allow
  const allow = withUpstreamToken(outcome.allow, header, token)
  outcome.combined = { accessToken: token.accessToken, allow }
  return allow
}

function withUpstreamToken(allow: Allow, header: string, { headerValue, expiresAt }: UpstreamToken): Allow {
  return {
    ...allow,
    set_headers: { ...allow.set_headers, [header]: headerValue },
    expires_at: Math.min(allow.expires_at, expiresAt / 1_000),
  }
}
