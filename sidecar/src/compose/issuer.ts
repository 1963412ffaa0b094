/** A trusted issuer, from its configuration: how its tokens are verified, and how its revocations arrive. */
import type { TlsConfig } from '../config/schema/client-auth.ts'
import type { IssuerConfig } from '../config/schema/issuer.ts'
import { safeReason } from '../failures.ts'
import { createIntrospect } from '../remote/introspection.ts'
import { createJwks, type FindKey } from '../remote/jwks.ts'
import { createMetadata, type FindEndpoint, type MetadataEndpoint } from '../remote/metadata.ts'
import { createRevocationFeed, type RevocationFeed } from '../remote/revocation-feed.ts'
import type { TrustedIssuer } from '../steps/authenticate.ts'
import { createIntrospectToken } from '../steps/introspect-token.ts'
import { createVerifyJwt } from '../steps/verify-jwt.ts'
import { composeClient } from './client.ts'
import type { Toolkit } from './toolkit.ts'

export interface ComposedIssuer {
  trusted: TrustedIssuer
  /** Undefined where none is configured. */
  feed: RevocationFeed | undefined
}

export function composeIssuer(name: string, config: IssuerConfig, toolkit: Toolkit): ComposedIssuer {
  const { keep, now } = toolkit
  const { issuer, audience, algorithms, leeway, timeout_ms: timeoutMs } = config
  // Kept apart from the rest: a changed audience costs nobody the keys, and the feed nothing that it has been told.
  const metadata = keep(`${name} metadata`, [issuer, timeoutMs], ({ http, dependency, now }) =>
    createMetadata({ issuer, timeoutMs, http, dependency: dependency(`${name} metadata`), now }),
  )
  const jwksUrl = endpoint(config.jwks_uri, metadata, 'jwks_uri')
  const keys = keep(`${name} jwks`, [config.jwks_uri, metadata, timeoutMs], ({ http, dependency, now }) =>
    createJwks({ url: jwksUrl, timeoutMs, http, dependency: dependency(`${name} jwks`), now }),
  )
  // A token that the feed could not name could not be revoked.
  const revocable = config.revocation_feed !== undefined
  return {
    trusted: {
      issuer,
      verify: createVerifyJwt({ name, issuer, audience, algorithms, leeway, revocable, findKey: keys.ofTokens, now }),
      introspect: composeIntrospection(name, config, metadata, revocable, toolkit),
    },
    feed: keep(`${name} revocation feed`, [issuer, algorithms, config.revocation_feed, metadata, keys], (tools) =>
      composeFeed(name, config, metadata, keys.ofEvents, tools),
    ),
  }
}

function composeIntrospection(
  name: string,
  { issuer, audience, introspection: config }: IssuerConfig,
  metadata: FindEndpoint,
  revocable: boolean,
  toolkit: Toolkit,
) {
  if (!config) return undefined
  const { dependency, now } = toolkit
  const introspect = createIntrospect({
    endpoint: endpoint(config.endpoint, metadata, 'introspection_endpoint', config.tls),
    timeoutMs: config.timeout_ms,
    client: composeClient(`${name} introspection`, config, issuer, toolkit),
    dependency: dependency(`${name} introspection`),
  })
  return createIntrospectToken({ name, issuer, audience, revocable, cacheTtl: config.cache_ttl, introspect, now })
}

function composeFeed(
  name: string,
  { issuer, algorithms, revocation_feed: config }: IssuerConfig,
  metadata: FindEndpoint,
  findKey: FindKey,
  toolkit: Toolkit,
): RevocationFeed | undefined {
  if (!config) return undefined
  const { logger, now, onClose } = toolkit
  const clientAuth = { ...config, client_auth: 'client_secret_basic' as const }
  const feed = createRevocationFeed({
    name: `${name} revocation feed`,
    issuer,
    algorithms,
    endpoint: endpoint(config.endpoint, metadata, 'postern_revocation_feed_endpoint', config.tls),
    clientId: config.client_id,
    client: composeClient(`${name} revocation feed`, clientAuth, issuer, toolkit),
    findKey,
    now,
    onFailure: (error) => logger.warn({ reason: safeReason(error), issuer: name }, 'the revocation feed failed'),
    onUnknownEvents: (count) => logger.warn({ count, issuer: name }, 'events of unknown types have no effect'),
  })
  onClose(feed.close)
  return feed
}

/** The configured endpoint, or what the issuer's metadata names. */
function endpoint(
  configured: string | undefined,
  find: FindEndpoint,
  name: MetadataEndpoint,
  tls?: TlsConfig,
): () => Promise<string> {
  return configured === undefined ? () => find(name, tls?.certificate !== undefined) : async () => configured
}
