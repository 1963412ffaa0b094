/** The token for an upstream, from its configuration. */
import type { UpstreamConfig } from '../config/schema/upstream.ts'
import { createFetchToken } from '../remote/token-endpoint.ts'
import { createUpstreamTokens } from '../remote/upstream-tokens.ts'
import { type UpstreamStep, upstreamStep } from '../steps/upstream-token.ts'
import { composeClient } from './client.ts'
import type { Toolkit } from './toolkit.ts'

export function composeUpstream(name: string, config: UpstreamConfig, toolkit: Toolkit): UpstreamStep {
  const { dependency, now } = toolkit
  const fetchToken = createFetchToken({
    tokenEndpoint: config.token_endpoint,
    scope: config.scope,
    timeoutMs: config.timeout_ms,
    client: composeClient(`${name} token endpoint`, config, undefined, toolkit),
    dependency: dependency(`${name} token endpoint`),
  })
  return upstreamStep(config.header, createUpstreamTokens(fetchToken, now))
}
