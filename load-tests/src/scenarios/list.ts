/** The load tests. To add one: a file beside these and a line here; one that it is compared with stands before it. */
import { cachedDecision } from './cached-decision.ts'
import { emptyRoute } from './empty-route.ts'
import { firstIntrospection } from './first-introspection.ts'
import { introspection } from './introspection.ts'
import { oneTenant } from './one-tenant.ts'
import { peerIntrospection } from './peer-introspection.ts'
import { peerTokenIssuance } from './peer-token-issuance.ts'
import { refresh } from './refresh.ts'
import type { Scenario } from './scenario.ts'
import { tenThousandTenants } from './ten-thousand-tenants.ts'
import { tokenIssuance } from './token-issuance.ts'

export const scenarios: readonly Scenario[] = [
  emptyRoute,
  cachedDecision,
  peerTokenIssuance,
  tokenIssuance,
  refresh,
  peerIntrospection,
  introspection,
  firstIntrospection,
  oneTenant,
  tenThousandTenants,
]
