/** What a policy asks of a request, by the rule that it falls under. */
import type { DecisionRequest, Deny } from '@postern/protocol/decision'
import type { PolicyConfig } from '../config/schema/policy.ts'
import { createRouter } from '../matching/router.ts'
import { createRequestFacts } from '../steps/request-facts.ts'
import { requireHeaders } from '../steps/requirements/headers.ts'
import { createRequirements } from '../steps/requirements/list.ts'
import type { Refuse, Requirement } from '../steps/requirements/requirement.ts'
import type { Verified } from './outcome-cache.ts'

export interface Route {
  readonly access: PolicyConfig['access']
  /** The answer to a genuine token that does not suffice. @param now ms since the epoch */
  refusal(verified: Verified, request: DecisionRequest, now: number): Deny | undefined
  /** ms since the epoch until which a token that suffices does; undefined where time changes nothing of that. */
  readonly metUntil: ((verified: Verified, now: number) => number) | undefined
}

export interface Routes {
  of(request: DecisionRequest): Route | 'ambiguous'
  /** Whether the claims are asked for after the token was verified. */
  readonly needsClaims: boolean
}

type RoutesConfig = Pick<
  PolicyConfig,
  | 'access'
  | 'rules'
  | 'unmatched'
  | 'paths_may_have'
  | 'paths_differ_by_case'
  | 'headers'
  | 'sender_constraint'
  | 'required_scopes'
  | 'any_scope'
  | 'acr_values'
  | 'max_age'
  | 'conditions'
>

/** @throws Error for a pattern or an expression that is none */
export function createRoutes(policy: RoutesConfig, refuse: Refuse): Routes {
  const own = [...createRequirements(policy, refuse), ...requireHeaders(policy.headers, refuse)]
  const ruled = policy.rules.map((rule) => ({
    access: rule.access ?? policy.access,
    requirements: [...own, ...createRequirements(rule, refuse)],
  }))
  const unmatched = { access: policy.unmatched === 'nobody' ? ('nobody' as const) : policy.access, requirements: own }
  const all = [...ruled, unmatched]
  const routes = all.map(({ access, requirements }, index) => createRoute(index, access, requirements))
  const find = createRouter(
    policy.rules.map(({ paths, methods }) => ({ paths, methods })),
    { allowed: policy.paths_may_have, caseDistinct: policy.paths_differ_by_case },
  )
  return {
    of(request) {
      const found = find(request)
      return (found === 'ambiguous' ? undefined : routes[found]) ?? 'ambiguous'
    },
    needsClaims: all.some(({ requirements }) => requirements.length > 0),
  }
}

function createRoute(index: number, access: Route['access'], requirements: readonly Requirement[]): Route {
  const ofToken = requirements.filter((requirement) => requirement.ofToken)
  const ofRequest = requirements.filter((requirement) => !requirement.ofToken)
  const firstUnmet = (asked: readonly Requirement[], { identity }: Verified, request: DecisionRequest, now: number) => {
    // Where there is anything to ask, the identity is kept (`needsClaims`).
    if (asked.length === 0 || !identity) return asked[0]?.refusal
    const facts = createRequestFacts(request)
    return asked.find((requirement) => !requirement.isMet(identity, facts, now))?.refusal
  }
  const timed = requirements.flatMap(({ metUntil }) => metUntil ?? [])
  return {
    access,
    metUntil:
      timed.length === 0
        ? undefined
        : ({ identity }, now) => Math.min(...timed.map((metUntil) => (identity ? metUntil(identity, now) : now))),
    refusal(verified, request, now) {
      // Nothing is kept of what was not asked: there are many tokens.
      if (ofToken.length === 0) return firstUnmet(ofRequest, verified, request, now)
      const answer = verified.answers[index] ?? firstUnmet(ofToken, verified, request, now) ?? 'met'
      verified.answers[index] = answer
      return answer === 'met' ? firstUnmet(ofRequest, verified, request, now) : answer
    },
  }
}
