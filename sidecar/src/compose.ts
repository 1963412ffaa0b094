/** Builds the sidecar from its configuration. The only place that knows all parts. */
import type { Logger } from 'pino'
import type { Config, IssuerConfig, PolicyConfig, UpstreamConfig } from './config/schema.ts'
import type { ReadSecret } from './config/secret.ts'
import { createDecider } from './decider/decider.ts'
import { compilePolicy, type Policy } from './decider/policy.ts'
import { safeReason } from './failures.ts'
import { createApp, createSocketServer } from './http/app.ts'
import { createOperationsApp } from './http/operations.ts'
import { listenOnSocket } from './http/unix-socket.ts'
import { createMetrics } from './metrics.ts'
import { createDependency, type Dependency } from './remote/dependency.ts'
import { createHttpClient } from './remote/http-client.ts'
import { createIntrospect } from './remote/introspection.ts'
import { createJwks, type FindKey } from './remote/jwks.ts'
import { createMetadata, type FindEndpoint, type MetadataEndpoint } from './remote/metadata.ts'
import { createRevocationFeed, type RevocationFeed } from './remote/revocation-feed.ts'
import { createFetchToken } from './remote/token-endpoint.ts'
import { createUpstreamTokens } from './remote/upstream-tokens.ts'
import { createAuthenticate, type TrustedIssuer } from './steps/authenticate.ts'
import { planHeaders } from './steps/headers.ts'
import { createIntrospectToken } from './steps/introspect-token.ts'
import { createCheckRevocation } from './steps/revocation.ts'
import { type UpstreamStep, upstreamStep } from './steps/upstream-token.ts'
import { createVerifyJwt } from './steps/verify-jwt.ts'
import { transports } from './transports/list.ts'

export interface Sidecar {
  /** Where gateways reach it over TCP; undefined where it listens on a unix socket only. */
  readonly address: string | undefined
  readonly adminAddress: string
  /** Finishes the requests that are under way, then closes everything. */
  close(): Promise<void>
}

export interface SidecarDeps {
  logger: Logger
  readSecret: ReadSecret
  /** ms since the epoch */
  now?: () => number
}

/** @throws Error where a secret is missing or an address cannot be listened on */
export async function startSidecar(
  config: Config,
  { logger, readSecret, now = Date.now }: SidecarDeps,
): Promise<Sidecar> {
  const http = createHttpClient()
  const metrics = createMetrics()
  const dependencies: Dependency[] = []
  const feeds = new Map<string, RevocationFeed>()
  const dependency = (name: string) => {
    const created = createDependency(name, { observe: metrics.observeCall })
    dependencies.push(created)
    return created
  }

  const trustIssuer = (name: string, issuer: IssuerConfig): TrustedIssuer => {
    const { timeout_ms: timeoutMs } = issuer
    const metadata = createMetadata({
      issuer: issuer.issuer,
      timeoutMs,
      http,
      dependency: dependency(`${name} metadata`),
      now,
    })
    const findKey = createJwks({
      url: endpoint(issuer.jwks_uri, metadata, 'jwks_uri'),
      timeoutMs,
      http,
      dependency: dependency(`${name} jwks`),
      now,
    })
    subscribe(name, issuer, metadata, findKey)
    const common = { name, issuer: issuer.issuer, audience: issuer.audience, requireJti: feeds.has(name), now }
    return {
      issuer: issuer.issuer,
      verify: createVerifyJwt({ ...common, algorithms: issuer.algorithms, leeway: issuer.leeway, findKey }),
      introspect: issuer.introspection && introspection(name, issuer.introspection, metadata, common),
    }
  }

  const introspection = (
    name: string,
    config: NonNullable<IssuerConfig['introspection']>,
    metadata: FindEndpoint,
    common: Omit<Parameters<typeof createIntrospectToken>[0], 'cacheTtl' | 'introspect'>,
  ) => {
    const introspect = createIntrospect({
      endpoint: endpoint(config.endpoint, metadata, 'introspection_endpoint'),
      clientId: config.client_id,
      clientSecret: readSecret(config.client_secret),
      timeoutMs: config.timeout_ms,
      http,
      dependency: dependency(`${name} introspection`),
    })
    return createIntrospectToken({ ...common, cacheTtl: config.cache_ttl, introspect })
  }

  const subscribe = (name: string, issuer: IssuerConfig, metadata: FindEndpoint, findKey: FindKey) => {
    const { revocation_feed: config } = issuer
    if (!config) return
    const feed = createRevocationFeed({
      name: `${name} revocation feed`,
      issuer: issuer.issuer,
      algorithms: issuer.algorithms,
      endpoint: endpoint(config.endpoint, metadata, 'postern_revocation_feed_endpoint'),
      clientId: config.client_id,
      clientSecret: readSecret(config.client_secret),
      findKey,
      http,
      now,
      onFailure: (error) => logger.warn({ reason: safeReason(error), issuer: name }, 'the revocation feed failed'),
    })
    feeds.set(name, feed)
  }

  const upstream = (name: string, config: UpstreamConfig): UpstreamStep => {
    const fetchToken = createFetchToken({
      tokenEndpoint: config.token_endpoint,
      clientId: config.client_id,
      clientSecret: readSecret(config.client_secret),
      clientAuth: config.client_auth,
      scope: config.scope,
      timeoutMs: config.timeout_ms,
      http,
      dependency: dependency(`${name} token endpoint`),
    })
    return upstreamStep(config.header, createUpstreamTokens(fetchToken, now))
  }

  const trusted = mapValues(config.issuers, trustIssuer)
  const upstreams = mapValues(config.upstreams, upstream)
  const checkRevocation = createCheckRevocation(feeds)

  const policy = (name: string, policyConfig: PolicyConfig): Policy => {
    const step = policyConfig.upstream === undefined ? undefined : upstreams.get(policyConfig.upstream)
    return compilePolicy({
      name,
      requiredScopes: policyConfig.required_scopes,
      authenticate: createAuthenticate(policyConfig.issuers.flatMap((issuer) => trusted.get(issuer) ?? [])),
      checkRevocation,
      headers: planHeaders(policyConfig, step?.header),
      upstream: step,
      cache: config.cache,
      now,
      onUnavailable: (policy, error) => logger.warn({ policy, reason: safeReason(error) }, 'decision unavailable'),
    })
  }

  const policies = mapValues(config.policies, policy)
  metrics.watch({ policies, dependencies, feeds, now })
  const app = createApp(logger, transports, createDecider(policies))
  const socketServer = createSocketServer(app)
  const operations = createOperationsApp({
    logger,
    registry: metrics.registry,
    obstacles: () =>
      [...feeds].flatMap(([name, feed]) => (feed.synced() ? [] : [`revocations of ${name} are not known`])),
  })

  const close = async () => {
    await Promise.all([...feeds.values()].map((feed) => feed.close()))
    if (socketServer.listening) {
      socketServer.closeIdleConnections()
      await new Promise((resolve) => socketServer.close(resolve))
    }
    await Promise.all([app.close(), operations.close()])
    for (const { close } of dependencies) close()
    await http.close()
  }

  try {
    await app.ready()
    for (const feed of feeds.values()) feed.start()
    const { tcp, unix } = config.listen
    const address = tcp === undefined ? undefined : await app.listen(hostAndPort(tcp))
    if (unix !== undefined) await listenOnSocket(socketServer, unix)
    const adminAddress = await operations.listen(hostAndPort(config.admin.tcp))
    return { address, adminAddress, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The configured endpoint, or what the issuer's metadata names. */
function endpoint(configured: string | undefined, find: FindEndpoint, name: MetadataEndpoint): () => Promise<string> {
  return configured === undefined ? () => find(name) : async () => configured
}

function mapValues<From, To>(record: Record<string, From>, map: (name: string, value: From) => To): Map<string, To> {
  return new Map(Object.entries(record).map(([name, value]) => [name, map(name, value)]))
}

function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
