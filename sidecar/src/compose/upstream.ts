/** The tokens for an upstream, from its configuration. */
import type { TokenTargetConfig } from '../config/schema/grant.ts'
import type { UpstreamConfig } from '../config/schema/upstream.ts'
import { safeReason } from '../failures.ts'
import type { OAuthClient } from '../remote/client-auth/client.ts'
import { createMetadata } from '../remote/metadata.ts'
import { createSecondLevel } from '../remote/redis/second-level.ts'
import { createDpopKey } from '../remote/signing/dpop-key.ts'
import { generateSigningKey, readSigningKey } from '../remote/signing/signing-key.ts'
import { clientCredentials } from '../remote/upstream-grants/client-credentials.ts'
import { createFetchOwn } from '../remote/upstream-grants/fetch.ts'
import type { OwnGrant } from '../remote/upstream-grants/grant.ts'
import {
  createRequestToken,
  type Parameters,
  type RequestToken,
  type TokenEndpointOptions,
  TokenRefused,
} from '../remote/upstream-grants/token-endpoint.ts'
import { createCallerTokens, type FetchForCaller } from '../remote/upstream-tokens/caller-tokens.ts'
import { SharedToken, shareTokens } from '../remote/upstream-tokens/shared-tokens.ts'
import { createUpstreamTokens, type UpstreamTokens } from '../remote/upstream-tokens/upstream-tokens.ts'
import type { UpstreamStep } from '../steps/upstream-token.ts'
import { composeClient } from './client.ts'
import type { Toolkit } from './toolkit.ts'
import { composeGrant, targetParameters } from './upstream-grant.ts'

/** How often it is looked whether tokens are due. */
const lookEveryMs = 500

export function composeUpstream(name: string, config: UpstreamConfig, toolkit: Toolkit): UpstreamStep {
  const { logger, now, onClose, shared } = toolkit
  const request = composeRequest(name, config, toolkit)
  const common = Object.entries(config.parameters)
  const purgeIntervalMs = config.purge_interval * 1_000

  const ownTokens = (grant: OwnGrant, target: TokenTargetConfig): UpstreamTokens => {
    const tokens = createUpstreamTokens({
      fetch: createFetchOwn(grant, request, [...targetParameters(target), ...common]),
      idleMs: config.idle_time * 1_000,
      purgeIntervalMs,
      now,
      onFailure: (error) =>
        logger.warn({ upstream: name, reason: safeReason(error) }, 'the token of an upstream cannot be fetched'),
    })
    const timer = setInterval(tokens.refreshIfDue, lookEveryMs).unref()
    onClose(() => clearInterval(timer))
    return tokens
  }

  const step = { header: config.header.toLowerCase(), handedOut: config.handed_out }
  const grant = composeGrant(name, config, (target) => ownTokens(clientCredentials, target), toolkit)
  if (grant.of === 'sidecar') {
    const tokens = ownTokens(grant, config)
    const { expiresAt, purge } = tokens
    return { ...step, ...countPurges(purge), tokensOf: () => tokens, expiresAt, callers: () => 0 }
  }
  const target: Parameters = [...targetParameters(config), ...common]
  const fetch: FetchForCaller = async ({ parameters, refused }) =>
    request([...(await parameters()), ...target]).catch((error: unknown) => {
      if (error instanceof TokenRefused) refused?.()
      throw error
    })
  // What is asked for in another way may be another token.
  const kind = ['upstream token', JSON.stringify(config)]
  const tokens = createCallerTokens({
    grant,
    fetch: shared ? shareTokens(fetch, createSecondLevel({ ...shared, kind, schema: SharedToken }), now) : fetch,
    purgeIntervalMs,
    now,
  })
  return {
    ...step,
    ...countPurges(tokens.purge),
    tokensOf: (caller) => caller && tokens.of(caller),
    expiresAt: () => undefined,
    callers: () => tokens.size,
  }
}

function countPurges(purge: UpstreamStep['purge']): Pick<UpstreamStep, 'purge' | 'purges'> {
  const purges = { purged: 0, not_current: 0, too_soon: 0 }
  return {
    purges,
    purge(refused) {
      const outcome = purge(refused)
      purges[outcome] += 1
      return outcome
    },
  }
}

function composeRequest(name: string, config: UpstreamConfig, toolkit: Toolkit): RequestToken {
  const { dependency } = toolkit
  const { timeout_ms: timeoutMs, request_headers: headers } = config
  const client = composeClient(`${name} token endpoint`, config, config.issuer, toolkit)
  return createRequestToken({
    endpoint: composeEndpoint(name, config, client, toolkit),
    headers,
    timeoutMs,
    client,
    dpop: composeDpop(name, config, toolkit),
    dependency: dependency(`${name} token endpoint`),
  })
}

function composeEndpoint(
  name: string,
  { issuer = '', token_endpoint: configured, timeout_ms: timeoutMs, tls }: UpstreamConfig,
  { http }: OAuthClient,
  { dependency, now }: Toolkit,
): () => Promise<string> {
  if (configured !== undefined) return async () => configured
  // The issuer is there where the endpoint is not (config/checks/upstreams.ts).
  const find = createMetadata({ issuer, timeoutMs, http, dependency: dependency(`${name} metadata`), now })
  return () => find('token_endpoint', tls?.certificate !== undefined)
}

function composeDpop(
  name: string,
  { dpop }: UpstreamConfig,
  { changingSecret, now }: Toolkit,
): TokenEndpointOptions['dpop'] {
  if (!dpop) return undefined
  if (dpop.key) {
    return changingSecret(`${name} dpop.key`, [dpop.key], ([text = '']) => createDpopKey(readSigningKey(text), now))
  }
  const generated = createDpopKey(generateSigningKey(), now)
  return { current: () => generated }
}
