/**
 * oidc-provider with its in-memory store, as a process of its own: the peer of the identity server. Started with a port.
 * Configured for speed: what the scenarios do not use is off, and nothing that it calls waits. A token for the resource is
 * an ES256 JWT; one without is opaque, the only kind that it introspects.
 */
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'
import { peer } from './settings.ts'

const port = Number(process.argv[2])
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const lifetime = 3_600
const resourceServer = {
  scope: peer.scope,
  audience: peer.resource,
  accessTokenFormat: 'jwt',
  accessTokenTTL: lifetime,
  jwt: { sign: { alg: 'ES256' } },
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: peer.client.id,
      client_secret: peer.client.secret,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'peer', alg: 'ES256', use: 'sig' }] },
  scopes: [peer.scope],
  clientAuthMethods: ['client_secret_post'],
  ttl: { ClientCredentials: lifetime },
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => resourceServer },
  },
})
provider.listen(port, '127.0.0.1')
