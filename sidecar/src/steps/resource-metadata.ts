/** Metadata of the protected resource (RFC 9728): what a client can learn from a refusal on. */
import { dpopAlgorithms } from '@postern/protocol/dpop'
import type { PolicyConfig } from '../config/schema/policy.ts'
import type { ResourceMetadataConfig } from '../config/schema/resource-metadata.ts'
import type { TokenSource } from '../config/schema/token-source.ts'

const wellKnown = '/.well-known/oauth-protected-resource'

export interface ResourceMetadata {
  /** Where clients find it (section 3.1): the gateway leads there from the sidecar. */
  readonly url: string
  /** The document (section 3.2). */
  readonly document: Readonly<Record<string, unknown>>
}

export interface ResourceMetadataOptions {
  config: ResourceMetadataConfig
  /** Identifiers of the policy's issuers. */
  issuers: readonly string[]
  policy: Pick<PolicyConfig, 'token_from' | 'sender_constraint' | 'dpop' | 'client_certificate'>
}

export function createResourceMetadata({ config, issuers, policy }: ResourceMetadataOptions): ResourceMetadata {
  const { origin, pathname, search } = new URL(config.resource)
  return {
    url: `${origin}${wellKnown}${pathname === '/' ? '' : pathname}${search}`,
    document: {
      ...config,
      authorization_servers: issuers,
      bearer_methods_supported: bearerMethods(policy.token_from),
      ...bindingsOf(policy),
    },
  }
}

/** What is left out is false, or nothing. */
function bindingsOf({
  sender_constraint: wanted,
  dpop,
  client_certificate: certificate,
}: ResourceMetadataOptions['policy']): object {
  return {
    ...(certificate && { tls_client_certificate_bound_access_tokens: true }),
    ...(dpop && { dpop_signing_alg_values_supported: dpopAlgorithms }),
    ...(wanted === 'dpop' && { dpop_bound_access_tokens_required: true }),
  }
}

/** Those of RFC 6750; a header or a cookie of one's own is none. */
function bearerMethods(sources: readonly TokenSource[]): string[] {
  return [
    ...(sources.some(({ header }) => header?.toLowerCase() === 'authorization') ? ['header'] : []),
    ...(sources.some(({ form }) => form === 'access_token') ? ['body'] : []),
    ...(sources.some(({ query }) => query === 'access_token') ? ['query'] : []),
  ]
}
