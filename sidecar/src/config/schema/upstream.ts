import Type, { type Static } from 'typebox'
import { credentials, HeaderName, milliseconds, object, Url } from './parts.ts'

export const Upstream = object(
  {
    token_endpoint: Url,
    ...credentials,
    client_auth: Type.Enum(['client_secret_basic', 'client_secret_post'], {
      default: 'client_secret_basic',
    }),
    scope: Type.Optional(
      Type.String({ pattern: '^[\\x20-\\x7E]+$', description: 'Requested scopes, separated by spaces' }),
    ),
    header: Type.String({ ...HeaderName, default: 'authorization', description: 'Header that carries the token' }),
    timeout_ms: milliseconds(2_000, 'Deadline of a token request'),
  },
  'A token for an upstream, by client_credentials (RFC 6749 section 4.4)',
)
export type UpstreamConfig = Static<typeof Upstream>
