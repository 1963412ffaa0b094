import { formRequest } from '../form.ts'
import { oidcProvider } from '../peers/oidc-provider-process.ts'
import { peer } from '../peers/settings.ts'
import type { Scenario } from './scenario.ts'

/** client_credentials at oidc-provider, its tokens ES256 JWTs. */
export const peerTokenIssuance: Scenario = {
  name: 'oidc-provider-token-issuance',
  prepare: async (targets) => ({
    ...(await targets.part(oidcProvider)),
    request: formRequest('/token', peer.client, {
      grant_type: 'client_credentials',
      scope: peer.scope,
      resource: peer.resource,
    }),
  }),
}
