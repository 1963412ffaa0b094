import { clientHeaders, tokenRequest } from './client.ts'
import { pidOf, type Scenario, variable } from './scenario.ts'

/** client_credentials at the identity server: the secret verified, an ES256 token signed, each time. */
export const tokenIssuance: Scenario = {
  name: 'token-issuance',
  prepare: async (targets) => ({
    url: variable(targets, 'POSTERN_TOKEN_ENDPOINT'),
    method: 'POST',
    headers: clientHeaders(targets),
    body: tokenRequest,
    pid: pidOf(targets, 'identity-server'),
  }),
}
