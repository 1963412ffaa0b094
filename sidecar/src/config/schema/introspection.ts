import Type, { type Static } from 'typebox'
import { clientAuth } from './client-auth.ts'
import { milliseconds, object, seconds, Url } from './parts.ts'

export const Introspection = object(
  {
    endpoint: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    ...clientAuth,
    cache_ttl: seconds(30, 0, 3_600, 'How long an active token is not asked about again; never past its expiry'),
    timeout_ms: milliseconds(1_000, 'Deadline of a request'),
  },
  'Introspection of opaque tokens (RFC 7662)',
)
export type IntrospectionConfig = Static<typeof Introspection>
