import { accessTokenOf, formRequest } from '../form.ts'
import { oidcProvider } from '../peers/oidc-provider-process.ts'
import { peer } from '../peers/settings.ts'
import type { Scenario } from './scenario.ts'

/** Introspection at oidc-provider, of an opaque token found in its memory: it introspects no JWT. */
export const peerIntrospection: Scenario = {
  name: 'oidc-provider-introspection',
  async prepare(targets) {
    const { origin, pid } = await targets.part(oidcProvider)
    const parameters = { grant_type: 'client_credentials', scope: peer.scope }
    const token = await accessTokenOf(origin, formRequest('/token', peer.client, parameters))
    return { origin, pid, request: formRequest('/token/introspection', peer.client, { token }) }
  },
}
