/**
 * A policy, compiled: the steps that it needs, in their order, with everything set up. Nothing below `decide` reads
 * configuration, compiles, or looks anything up by name.
 */
import type { Decision, DecisionRequest, Deny } from '@postern/protocol/decision'
import { DependencyError, Refusal } from '../failures.ts'
import type { UpstreamToken } from '../remote/upstream-tokens.ts'
import { isPreflight } from '../steps/preflight.ts'
import type { CheckPossession } from '../steps/sender-constraint/possession.ts'
import type { PresentedToken } from '../steps/token-sources/source.ts'
import type { Timer } from '../timing.ts'
import { type DecidingParts, type Explanation, explain } from './explain.ts'
import type { Outcome, Verified } from './outcome-cache.ts'
import { createOutcomes, type OutcomesParts } from './outcomes.ts'
import { ambiguous, closed, unavailable } from './refusals.ts'
import type { Route } from './routes.ts'
import { combine, withUpstreamToken } from './upstream-token.ts'

export interface PolicyParts extends DecidingParts, OutcomesParts {
  checkPossession: CheckPossession
  /** For what no decision from the cache comes to. */
  timers: { revocation: Timer; requirements: Timer; upstreamToken: Timer }
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

export function compilePolicy(parts: PolicyParts): Policy {
  const { name, refusals, routes, extractToken, admission, upstream, now } = parts
  const { checkPossession, checkRevocation, timers } = parts
  const counts: PolicyCounts = { allow: 0, deny: 0, unavailable: 0, cacheHits: 0, cacheMisses: 0 }
  const upstreamHeader = upstream?.header ?? ''
  const outcomes = createOutcomes(parts)

  /** The answer to a genuine token that is of no use any more. */
  const refusalInForce = (verified: Verified, time: number): Deny | undefined => {
    if (time >= verified.expiresAt) return refusals.expired
    const revocation = checkRevocation(verified)
    if (revocation === 'revoked') return refusals.revoked
    if (revocation === 'unknown') throw new DependencyError(verified.issuer, 'revocations are not known')
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
    return timers.upstreamToken.wait(() => upstreamTokens.get()).then((late) => admit(verified, route, request, late))
  }

  const admitAnonymous = (): Decision | Promise<Decision> => {
    const allow = admission.anonymous(now())
    const upstreamTokens = upstream?.tokensOf(undefined)
    if (!upstreamTokens) return allow
    const token = upstreamTokens.current()
    if (token) return withUpstreamToken(allow, upstreamHeader, token)
    return timers.upstreamToken
      .wait(() => upstreamTokens.get())
      .then((late) => withUpstreamToken(admission.anonymous(now()), upstreamHeader, late))
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
    if (extraction === 'repeated') return refusals.repeated
    if (extraction === 'none') return route.access === 'anonymous' ? admitAnonymous() : refusals.missing
    return decideAbout(extraction, route, request)
  }

  const decideAbout = (
    presented: PresentedToken,
    route: Route,
    request: DecisionRequest,
  ): Decision | Promise<Decision> => {
    const known = outcomes.known(presented.token)
    if (known) {
      counts.cacheHits += 1
      return conclude(known, presented, route, request)
    }
    counts.cacheMisses += 1
    return outcomes
      .establish(presented.token)
      .then((outcome) => conclude(outcome, presented, firstUse(outcome, route), request))
  }

  /** The first look for the token among revocations is the long one, and is taken here; what it finds, is found again. */
  const firstUse = (outcome: Outcome, { access, refusal }: Route): Route => {
    if (!('refused' in outcome)) timers.revocation.run(() => checkRevocation(outcome))
    return { access, refusal: (...asked) => timers.requirements.run(() => refusal(...asked)) }
  }

  return {
    counts,
    get cachedOutcomes() {
      return outcomes.size
    },
    explain: (request) => explain(parts, outcomes.known, request),
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
