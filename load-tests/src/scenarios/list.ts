/** The load tests. To add one: a file beside these and a line here. */
import { cachedDecision } from './cached-decision.ts'
import { emptyRoute } from './empty-route.ts'
import { introspection } from './introspection.ts'
import type { Scenario } from './scenario.ts'
import { tokenIssuance } from './token-issuance.ts'

export const scenarios: readonly Scenario[] = [emptyRoute, cachedDecision, tokenIssuance, introspection]
