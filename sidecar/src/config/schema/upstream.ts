import Type, { type Static } from 'typebox'
import { clientAuth } from './client-auth.ts'
import { HeaderName, milliseconds, object, Url } from './parts.ts'

export const Upstream = object(
  {
    token_endpoint: Url,
    ...clientAuth,
    scope: Type.Optional(
      Type.String({ pattern: '^[\\x20-\\x7E]+$', description: 'Requested scopes, separated by spaces' }),
    ),
    header: Type.String({ ...HeaderName, default: 'authorization', description: 'Header that carries the token' }),
    timeout_ms: milliseconds(2_000, 'Deadline of a token request'),
  },
  'A token for an upstream, by client_credentials (RFC 6749 section 4.4)',
)
export type UpstreamConfig = Static<typeof Upstream>
