/** The token for an upstream, from its configuration. */
import type { UpstreamConfig } from '../config/schema/upstream.ts'
import { createFetchToken } from '../remote/token-endpoint.ts'
import { createUpstreamTokens } from '../remote/upstream-tokens.ts'
import { type UpstreamStep, upstreamStep } from '../steps/upstream-token.ts'
import type { Toolkit } from './toolkit.ts'

export function composeUpstream(
  name: string,
  config: UpstreamConfig,
  { http, dependency, readSecret, now }: Toolkit,
): UpstreamStep {
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
