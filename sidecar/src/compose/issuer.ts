/** A trusted issuer, from its configuration: how its tokens are verified, and how its revocations arrive. */
import type { CacheConfig } from '../config/schema/cache.ts'
import type { IssuerConfig } from '../config/schema/issuer.ts'
import { safeReason } from '../failures.ts'
import type { HttpClient } from '../remote/calls/http-client.ts'
import { createVerifyIssuerJwt } from '../remote/jwt/issuer-jwt.ts'
import { createJwks, type Jwks } from '../remote/jwt/jwks.ts'
import { createMetadata, type FindEndpoint } from '../remote/metadata.ts'
import { createRevocationFeed, type RevocationFeed } from '../remote/revocations/revocation-feed.ts'
import type { TrustedIssuer } from '../steps/authenticate.ts'
import { createVerifyJwt } from '../steps/verify-jwt.ts'
import { composeClient } from './client.ts'
import { endpoint } from './endpoint.ts'
import { composeHttp } from './http.ts'
import { composeIntrospection } from './introspection.ts'
import type { Toolkit } from './toolkit.ts'

export interface ComposedIssuer {
  trusted: TrustedIssuer
  /** Undefined where nothing of the issuer is verified here. */
  keys: Jwks | undefined
  /** Undefined where none is configured. */
  feed: RevocationFeed | undefined
}

export interface IssuerSurroundings {
  cache: CacheConfig
  /** Seconds: how recent its feed has to be for whom bears least; undefined: for nobody. */
  feedMaxAge: number | undefined
}

export function composeIssuer(
  name: string,
  configured: IssuerConfig,
  { cache, feedMaxAge }: IssuerSurroundings,
  toolkit: Toolkit,
): ComposedIssuer {
  const { keep, timerOf, now } = toolkit
  const config = withTlsInEachPart(configured)
  const { issuer, audience, algorithms, token_types: types, leeway, timeout_ms: timeoutMs } = config
  // Kept apart from the rest: a changed audience costs nobody the keys, and the feed nothing that it has been told.
  const { http } = keep(`${name} connections`, [config.tls], (tools) => composeHttp(name, config.tls, tools))
  const metadata = keep(`${name} metadata`, [issuer, timeoutMs, http], ({ dependency, now }) =>
    createMetadata({ issuer, timeoutMs, http, dependency: dependency(`${name} metadata`), now }),
  )
  const keys = keep(`${name} jwks`, [config.jwks_uri, metadata, timeoutMs, http], (tools) =>
    composeKeys(name, config, metadata, http, tools),
  )
  const ofTokens = createVerifyIssuerJwt({ issuer, algorithms, verifySignature: keys.ofTokens })
  // A token that the feed could not name could not be revoked.
  const revocable = config.revocation_feed !== undefined
  const verify = createVerifyJwt({ name, audience, types, leeway, revocable, verify: ofTokens, now })
  const verification = timerOf('verification')
  return {
    trusted: {
      issuer,
      verify: types.length > 0 ? (jwt) => verification.wait(() => verify(jwt)) : undefined,
      introspection: composeIntrospection(name, config, { metadata, keys, cache }, toolkit),
      opaquePrefix: config.introspection?.opaque_tokens?.prefix ?? '',
    },
    keys: types.length > 0 || config.revocation_feed || config.introspection?.signed ? keys : undefined,
    feed: keep(
      `${name} revocation feed`,
      [issuer, algorithms, config.revocation_feed, feedMaxAge, metadata, keys],
      (tools) => composeFeed(name, config, { metadata, keys, feedMaxAge }, tools),
    ),
  }
}

function withTlsInEachPart(config: IssuerConfig): IssuerConfig {
  const { tls, introspection, revocation_feed } = config
  if (!tls) return config
  return {
    ...config,
    ...(introspection && { introspection: { tls, ...introspection } }),
    ...(revocation_feed && { revocation_feed: { tls, ...revocation_feed } }),
  }
}

function composeKeys(
  name: string,
  { jwks_uri, timeout_ms: timeoutMs }: IssuerConfig,
  metadata: FindEndpoint,
  http: HttpClient,
  { dependency, burst, onClose, now }: Toolkit,
): Jwks {
  const url = endpoint(jwks_uri, metadata, 'jwks_uri')
  const keys = createJwks({ url, timeoutMs, http, dependency: dependency(`${name} jwks`), burst, now })
  onClose(keys.close)
  return keys
}

function composeFeed(
  name: string,
  { issuer, algorithms, revocation_feed: config }: IssuerConfig,
  { metadata, keys, feedMaxAge }: { metadata: FindEndpoint; keys: Jwks; feedMaxAge: number | undefined },
  toolkit: Toolkit,
): RevocationFeed | undefined {
  if (!config) return undefined
  const { logger, limitedLog, now, onClose } = toolkit
  const clientAuth = { ...config, client_auth: 'client_secret_basic' as const }
  const feed = createRevocationFeed({
    name: `${name} revocation feed`,
    issuer,
    endpoint: endpoint(config.endpoint, metadata, 'postern_revocation_feed_endpoint', config.tls),
    clientId: config.client_id,
    client: composeClient(`${name} revocation feed`, clientAuth, issuer, toolkit),
    verify: createVerifyIssuerJwt({ issuer, algorithms, verifySignature: keys.ofEvents }),
    maxAgeMs: inMs(config.max_age),
    lookWithinMs: inMs(feedMaxAge),
    now,
    onFailure(error) {
      const reason = safeReason(error)
      limitedLog.write(`feed ${name} ${reason}`, (leftOut) =>
        logger.warn({ issuer: name, reason, ...(leftOut > 0 && { left_out: leftOut }) }, 'the revocation feed failed'),
      )
    },
    onUnknownEvents: (count) => logger.warn({ count, issuer: name }, 'events of unknown types have no effect'),
  })
  onClose(feed.close)
  return feed
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000
}
