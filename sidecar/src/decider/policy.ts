/** A policy, compiled: everything that its decisions need is set up, and what becomes of them is counted. */
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import { isPreflight } from '../steps/preflight.ts'
import type { CheckPossession } from '../steps/sender-constraint/possession.ts'
import { createDecide, type Steps } from './decide.ts'
import { type Explanation, explain } from './explain.ts'
import { createOutcomes, type OutcomesParts } from './outcomes.ts'
import { unavailable } from './refusals.ts'

export interface PolicyParts extends Omit<Steps, 'outcomes' | 'isOpenPreflight'>, OutcomesParts {
  /** Whether preflight requests get through. */
  forwardsPreflight: boolean
  /** As `checkPossession`, but the proof may be used afterwards. */
  rehearsePossession: CheckPossession
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
  const { name, forwardsPreflight, rehearsePossession } = parts
  const counts: PolicyCounts = { allow: 0, deny: 0, unavailable: 0, cacheHits: 0, cacheMisses: 0 }
  const outcomes = createOutcomes(parts)
  const isOpenPreflight = forwardsPreflight ? isPreflight : () => false

  const known = (token: string) => {
    const outcome = outcomes.known(token)
    if (outcome) counts.cacheHits += 1
    else counts.cacheMisses += 1
    return outcome
  }
  const decide = createDecide({ ...parts, isOpenPreflight, outcomes: { known, establish: outcomes.establish } })

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
    explain: (request) =>
      explain({ ...parts, isOpenPreflight, checkPossession: rehearsePossession, known: outcomes.known }, request),
    decide(request) {
      try {
        const decision = decide(request)
        return decision instanceof Promise ? decision.then(count, fail) : count(decision)
      } catch (error) {
        return fail(error)
      }
    },
  }
}
