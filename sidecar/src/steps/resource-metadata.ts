/** Metadata of the protected resource (RFC 9728): what a client can learn from a refusal on. */
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
  tokenFrom: readonly TokenSource[]
}

export function createResourceMetadata({ config, issuers, tokenFrom }: ResourceMetadataOptions): ResourceMetadata {
  const { origin, pathname, search } = new URL(config.resource)
  return {
    url: `${origin}${wellKnown}${pathname === '/' ? '' : pathname}${search}`,
    document: { ...config, authorization_servers: issuers, bearer_methods_supported: bearerMethods(tokenFrom) },
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
