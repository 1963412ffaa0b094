/** A trusted issuer, from its configuration: how its tokens are verified, and how its revocations arrive. */
import type { TlsConfig } from '../config/schema/client-auth.ts'
import type { IssuerConfig } from '../config/schema/issuer.ts'
import { safeReason } from '../failures.ts'
import { createIntrospect } from '../remote/introspection.ts'
import { createVerifyIssuerJwt } from '../remote/issuer-jwt.ts'
import { createJwks, type Jwks } from '../remote/jwks.ts'
import { createMetadata, type FindEndpoint, type MetadataEndpoint } from '../remote/metadata.ts'
import { createRevocationFeed, type RevocationFeed } from '../remote/revocation-feed.ts'
import type { TrustedIssuer } from '../steps/authenticate.ts'
import { createIntrospectToken } from '../steps/introspect-token.ts'
import { createVerifyJwt } from '../steps/verify-jwt.ts'
import { composeClient } from './client.ts'
import type { Toolkit } from './toolkit.ts'

export interface ComposedIssuer {
  trusted: TrustedIssuer
  /** Undefined where nothing of the issuer is verified here. */
  keys: Jwks | undefined
  /** Undefined where none is configured. */
  feed: RevocationFeed | undefined
}

export function composeIssuer(name: string, config: IssuerConfig, toolkit: Toolkit): ComposedIssuer {
  const { keep, now } = toolkit
  const { issuer, audience, algorithms, token_types: types, leeway, timeout_ms: timeoutMs } = config
  // Kept apart from the rest: a changed audience costs nobody the keys, and the feed nothing that it has been told.
  const metadata = keep(`${name} metadata`, [issuer, timeoutMs], ({ http, dependency, now }) =>
    createMetadata({ issuer, timeoutMs, http, dependency: dependency(`${name} metadata`), now }),
  )
  const keys = keep(`${name} jwks`, [config.jwks_uri, metadata, timeoutMs], (tools) =>
    composeKeys(name, config, metadata, tools),
  )
  const ofTokens = createVerifyIssuerJwt({ issuer, algorithms, verifySignature: keys.ofTokens })
  // A token that the feed could not name could not be revoked.
  const revocable = config.revocation_feed !== undefined
  const verify = createVerifyJwt({ name, audience, types, leeway, revocable, verify: ofTokens, now })
  return {
    trusted: {
      issuer,
      verify: types.length > 0 ? verify : undefined,
      introspect: composeIntrospection(name, config, metadata, revocable, toolkit),
    },
    keys: types.length > 0 || config.revocation_feed ? keys : undefined,
    feed: keep(`${name} revocation feed`, [issuer, algorithms, config.revocation_feed, metadata, keys], (tools) =>
      composeFeed(name, config, metadata, keys, tools),
    ),
  }
}

function composeKeys(
  name: string,
  { jwks_uri, timeout_ms: timeoutMs }: IssuerConfig,
  metadata: FindEndpoint,
  { http, dependency, onClose, now }: Toolkit,
): Jwks {
  const url = endpoint(jwks_uri, metadata, 'jwks_uri')
  const keys = createJwks({ url, timeoutMs, http, dependency: dependency(`${name} jwks`), now })
  onClose(keys.close)
  return keys
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
  keys: Jwks,
  toolkit: Toolkit,
): RevocationFeed | undefined {
  if (!config) return undefined
  const { logger, now, onClose } = toolkit
  const clientAuth = { ...config, client_auth: 'client_secret_basic' as const }
  const feed = createRevocationFeed({
    name: `${name} revocation feed`,
    issuer,
    endpoint: endpoint(config.endpoint, metadata, 'postern_revocation_feed_endpoint', config.tls),
    clientId: config.client_id,
    client: composeClient(`${name} revocation feed`, clientAuth, issuer, toolkit),
    verify: createVerifyIssuerJwt({ issuer, algorithms, verifySignature: keys.ofEvents }),
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
