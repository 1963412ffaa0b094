/** The decider with those who watch it: they cost next to nothing on a decision that is known at once. */
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import type { LogAccess } from './access-log.ts'
import type { Decider } from './decider.ts'

export interface Watchers {
  logAccess: LogAccess
  /** @param how whether it was known at once */
  observe(how: 'at_once' | 'waited', durationMs: number): void
}

/** Of the decisions that are known at once: the clock would take as long as many a one of them. */
const timedOneIn = 64

export function createObservedDecider(decider: Decider, { logAccess, observe }: Watchers): Decider {
  let untimed = 0

  const late = async (decision: Promise<Decision>, begun: number, policy: string, request: DecisionRequest) => {
    const made = await decision
    observe('waited', performance.now() - begun)
    logAccess(policy, request, made)
    return made
  }

  return {
    decide(policy, request) {
      untimed += 1
      const begun = untimed < timedOneIn ? 0 : performance.now()
      const decision = decider.decide(policy, request)
      if (decision instanceof Promise) return late(decision, begun || performance.now(), policy, request)
      if (begun > 0) {
        observe('at_once', performance.now() - begun)
        untimed = 0
      }
      logAccess(policy, request, decision)
      return decision
    },
  }
}
