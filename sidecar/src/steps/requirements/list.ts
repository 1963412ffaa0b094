/** The requirements, in the order in which they are asked. To add one: a file beside these and a line here. */
import type { RequirementsConfig } from '../../config/schema/requirements.ts'
import { requireConditions } from './conditions.ts'
import type { Refuse, Requirement } from './requirement.ts'
import { requireAllScopes, requireAnyScope } from './scopes.ts'
import { requireSenderConstraint } from './sender-constraint.ts'
import { requireAuthenticationContext, requireRecentAuthentication } from './step-up.ts'

const requirements: readonly ((config: RequirementsConfig, refuse: Refuse) => Requirement[])[] = [
  requireSenderConstraint,
  requireAllScopes,
  requireAnyScope,
  requireAuthenticationContext,
  requireRecentAuthentication,
  requireConditions,
]

/** @throws ExpressionError where a condition is no expression */
export function createRequirements(config: RequirementsConfig, refuse: Refuse): Requirement[] {
  return requirements.flatMap((create) => create(config, refuse))
}
