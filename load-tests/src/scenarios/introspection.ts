import { accessToken, demoRequest, identityServer } from './demo-client.ts'
import { peerIntrospection } from './peer-introspection.ts'
import type { Scenario } from './scenario.ts'

/** Introspection of one JWT at the identity server: the secret verified, revocation looked at, each time. */
export const introspection: Scenario = {
  name: 'introspection',
  against: peerIntrospection,
  bar: 2,
  prepare: async (targets) => ({
    ...identityServer(targets),
    request: demoRequest(targets, 'introspect', { token: await accessToken(targets) }),
  }),
}
