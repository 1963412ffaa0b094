import { identityServer, tokenRequest } from './demo-client.ts'
import { peerTokenIssuance } from './peer-token-issuance.ts'
import type { Scenario } from './scenario.ts'

/** client_credentials at the identity server: the secret verified, an ES256 JWT signed, each time. */
export const tokenIssuance: Scenario = {
  name: 'token-issuance',
  against: peerTokenIssuance,
  bar: 2,
  prepare: async (targets) => ({ ...identityServer(targets), request: tokenRequest(targets) }),
}
