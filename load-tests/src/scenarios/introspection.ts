import { accessToken, clientHeaders } from './client.ts'
import { pidOf, type Scenario, variable } from './scenario.ts'

/** Introspection of one JWT at the identity server: secret and signature verified, revocation looked at, each time. */
export const introspection: Scenario = {
  name: 'introspection',
  prepare: async (targets) => ({
    url: `${variable(targets, 'POSTERN_ISSUER')}/introspect`,
    method: 'POST',
    headers: clientHeaders(targets),
    body: `token=${await accessToken(targets)}`,
    pid: pidOf(targets, 'identity-server'),
  }),
}
