import type { TlsConfig } from '../config/schema/client-auth.ts'
import type { FindEndpoint, MetadataEndpoint } from '../remote/metadata.ts'

/** The configured endpoint, or what the issuer's metadata names. */
export function endpoint(
  configured: string | undefined,
  find: FindEndpoint,
  name: MetadataEndpoint,
  tls?: TlsConfig,
): () => Promise<string> {
  return configured === undefined ? () => find(name, tls?.certificate !== undefined) : async () => configured
}
