/** The decision core: one for all transports. */
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import type { Policy } from './policy.ts'
import { unknownPolicy } from './refusals.ts'

export interface Decider {
  /** Never throws and never rejects; at once where everything is known. */
  decide(policy: string, request: DecisionRequest): Decision | Promise<Decision>
}

/** @param policies compiled, by name */
export function createDecider(policies: ReadonlyMap<string, Policy>): Decider {
  return { decide: (name, request) => policies.get(name)?.decide(request) ?? unknownPolicy }
}
