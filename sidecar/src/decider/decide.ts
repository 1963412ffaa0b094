/**
 * The steps of a decision, in their order: the one place that knows it. Nothing here reads configuration, compiles, or looks
 * anything up by name.
 */
import type { Allow, Decision, DecisionRequest, Deny } from '@postern/protocol/decision'
import { DependencyError, Refusal } from '../failures.ts'
import type { UpstreamToken } from '../remote/upstream-tokens/upstream-tokens.ts'
import type { ExtractToken } from '../steps/extract.ts'
import type { CheckRevocation } from '../steps/revocation.ts'
import type { CheckPossession } from '../steps/sender-constraint/possession.ts'
import type { PresentedToken } from '../steps/token-sources/source.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import type { Timer } from '../timing.ts'
import type { Admission } from './admission.ts'
import type { Outcome, Verified } from './outcome-cache.ts'
import type { Outcomes } from './outcomes.ts'
import { ambiguous, closed, type Refusals } from './refusals.ts'
import type { Route, Routes } from './routes.ts'
import { combine, withUpstreamToken } from './upstream-token.ts'

export interface Steps {
  refusals: Refusals
  routes: Pick<Routes, 'of'>
  /** Whether it gets through without a token, as preflight requests may (Fetch standard, section 3.3): they cannot carry one. */
  isOpenPreflight(request: DecisionRequest): boolean
  extractToken: ExtractToken
  outcomes: Pick<Outcomes, 'known' | 'establish'>
  checkRevocation: CheckRevocation
  checkPossession: CheckPossession
  admission: Admission
  upstream: Pick<UpstreamStep, 'header' | 'tokensOf'> | undefined
  /** For what no decision from the cache comes to. */
  timers: { revocation: Timer; requirements: Timer; upstreamToken: Timer }
  /** ms since the epoch */
  now: () => number
}

/** @throws DependencyError, or rejects with it, where nothing is known about the token */
export type Decide = (request: DecisionRequest) => Decision | Promise<Decision>

export function createDecide(steps: Steps): Decide {
  const { refusals, routes, isOpenPreflight, extractToken, outcomes, admission, upstream, now } = steps
  const { checkPossession, checkRevocation, timers } = steps
  const upstreamHeader = upstream?.header ?? ''

  /** The answer to a genuine token that is of no use any more. */
  const refusalInForce = (verified: Verified, time: number): Deny | undefined => {
    if (time >= verified.expiresAt) return refusals.expired
    const revocation = checkRevocation(verified)
    if (revocation === 'revoked') return refusals.revoked
    if (revocation === 'unknown') throw new DependencyError(verified.issuer, 'revocations are not known')
    return undefined
  }

  /** No longer than what the rule requires stays met. */
  const bounded = (allow: Allow, verified: Verified, route: Route, time: number): Allow =>
    route.metUntil ? admission.within(allow, route.metUntil(verified, time), time) : allow

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
    if (!upstreamTokens) return bounded(verified.allow, verified, route, time)
    const token = fetched ?? upstreamTokens.current()
    if (token) return bounded(combine(verified, upstreamHeader, token), verified, route, time)
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
    if (decision.decision !== 'allow') return decision
    // No other request may be let through by it.
    const time = now()
    return admission.within(decision, time, time)
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

  const decide = (request: DecisionRequest): Decision | Promise<Decision> => {
    const route = routes.of(request)
    if (route === 'ambiguous') return ambiguous
    if (route.access === 'nobody') return closed
    const extraction = extractToken(request)
    if (extraction === 'repeated') return refusals.repeated
    // With a token, it is a request like any other.
    if (extraction === 'none' && isOpenPreflight(request)) return admission.anonymous(now())
    if (extraction === 'none') return route.access === 'anonymous' ? admitAnonymous() : refusals.missing
    return decideAbout(extraction, route, request)
  }

  const decideAbout = (
    presented: PresentedToken,
    route: Route,
    request: DecisionRequest,
  ): Decision | Promise<Decision> => {
    const known = outcomes.known(presented.token)
    if (known) return conclude(known, presented, route, request)
    return outcomes
      .establish(presented.token)
      .then((outcome) => conclude(outcome, presented, firstUse(outcome, route), request))
  }

  /** The first look for the token among revocations is the long one, and is taken here; what it finds, is found again. */
  const firstUse = (outcome: Outcome, route: Route): Route => {
    if (!('refused' in outcome)) timers.revocation.run(() => checkRevocation(outcome))
    return { ...route, refusal: (...asked) => timers.requirements.run(() => route.refusal(...asked)) }
  }

  const { finish } = admission
  if (!finish) return decide
  const finished = (decision: Decision, request: DecisionRequest): Decision =>
    decision.decision === 'allow' ? finish(decision, request) : decision
  return (request) => {
    const decision = decide(request)
    return decision instanceof Promise ? decision.then((late) => finished(late, request)) : finished(decision, request)
  }
}
