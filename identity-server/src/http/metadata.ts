/** Authorization server metadata (RFC 8414; OpenID Connect Discovery 1.0) and the JWK Set (RFC 7517 section 5). */
import { dpopAlgorithms } from '@postern/protocol/dpop'
import type { FastifyInstance } from 'fastify'
import { publicMethod } from '../client-auth/method.ts'
import { metadataMaxAge } from '../lifetimes.ts'
import { issuerOf } from '../tenancy/auth-servers.ts'
import { takesRegistrations } from '../tenancy/registration-policy.ts'
import { findIssuer, type Issuer, type IssuerLookups } from './caller.ts'

export interface MetadataEndpoints {
  lookups: IssuerLookups
  grantTypes: readonly string[]
  clientAuthMethods: readonly string[]
  /** Undefined where no client certificate can be shown. */
  mtls: MtlsMetadata | undefined
}

export interface MtlsMetadata {
  /** Where clients find the endpoints that ask for certificates; undefined: where they find all others. */
  origin: string | undefined
}

const cacheControl = `public, max-age=${metadataMaxAge}, stale-if-error=86400`

export function metadataEndpoints(app: FastifyInstance, options: MetadataEndpoints): void {
  const { lookups } = options
  // RFC 8414 section 3 puts the well-known segment before the issuer's path, OpenID Connect Discovery after it.
  for (const path of [
    '/.well-known/oauth-authorization-server/:auth_server',
    '/:auth_server/.well-known/openid-configuration',
  ]) {
    app.get(path, async (request, reply) => {
      const issuer = await findIssuer(lookups, request)
      return reply.header('cache-control', cacheControl).send(metadata(issuer, options))
    })
  }

  app.get('/:auth_server/jwks', async (request, reply) => {
    const { keys } = await findIssuer(lookups, request)
    return reply.header('cache-control', cacheControl).type('application/jwk-set+json').send(JSON.stringify(keys.jwks))
  })
}

function metadata({ authServer, keys }: Issuer, options: MetadataEndpoints) {
  const { grantTypes, mtls } = options
  const { issuer, settings, limits } = authServer
  const allowed = limits.token_endpoint_auth_methods
  const clientAuthMethods = options.clientAuthMethods.filter((method) => allowed?.includes(method) ?? true)
  const confidential = clientAuthMethods.filter((method) => method !== publicMethod)
  const detailTypes = settings.authorization_details_types
  return {
    issuer,
    ...clientEndpoints(issuer),
    token_endpoint_auth_methods_supported: clientAuthMethods,
    jwks_uri: `${issuer}/jwks`,
    introspection_endpoint_auth_methods_supported: confidential,
    introspection_signing_alg_values_supported: [keys.active.algorithm],
    revocation_endpoint_auth_methods_supported: clientAuthMethods,
    ...(takesRegistrations(settings) && { registration_endpoint: `${issuer}/register` }),
    grant_types_supported: grantTypes,
    scopes_supported: authServer.publishedScopes,
    dpop_signing_alg_values_supported: dpopAlgorithms,
    ...(mtls && { tls_client_certificate_bound_access_tokens: true }),
    ...(mtls?.origin !== undefined && { mtls_endpoint_aliases: clientEndpoints(issuerOf(mtls.origin, authServer.id)) }),
    ...(detailTypes && { authorization_details_types_supported: detailTypes.map(({ type }) => type) }),
    // Required members that no grant of ours has a use for yet.
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.jwks.keys.map(({ alg }) => alg))],
    postern_revocation_feed_endpoint: `${issuer}/events/poll`,
  }
}

/** Those that clients authenticate at (RFC 8705 section 5). */
function clientEndpoints(base: string) {
  return {
    token_endpoint: `${base}/token`,
    introspection_endpoint: `${base}/introspect`,
    revocation_endpoint: `${base}/revoke`,
  }
}
