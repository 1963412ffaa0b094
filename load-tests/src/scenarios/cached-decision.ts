import { accessToken } from './demo-client.ts'
import { emptyRoute } from './empty-route.ts'
import { pidOf, type Scenario, variable } from './scenario.ts'

/** The sidecar on a token that it knows: identity headers, revocation looked at, an upstream token added. */
export const cachedDecision: Scenario = {
  name: 'cached-decision',
  against: emptyRoute,
  bar: 0.8,
  prepare: async (targets) => ({
    origin: variable(targets, 'SIDECAR_URL'),
    request: {
      method: 'GET',
      path: `/v1/forward-auth/${variable(targets, 'DEMO_POLICY')}`,
      headers: { authorization: `Bearer ${await accessToken(targets)}` },
    },
    pid: pidOf(targets, 'sidecar'),
  }),
}
