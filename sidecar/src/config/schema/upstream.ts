import Type, { type Static } from 'typebox'
import { clientAuth } from './client-auth.ts'
import { Grant, TokenTarget } from './grant.ts'
import { HeaderName, milliseconds, object, SecretSource, seconds, Url } from './parts.ts'

const Dpop = object(
  {
    key: Type.Optional({
      ...SecretSource,
      description: 'The private key, as PEM or JWK. Default: one that is made at the start',
    }),
  },
  'Tokens that are bound to a key of the sidecar (RFC 9449)',
)

export const Upstream = object(
  {
    issuer: Type.Optional(
      Type.String({ ...Url, description: 'The identifier of who issues the tokens: its metadata names the endpoint' }),
    ),
    token_endpoint: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    ...clientAuth,
    grant: Grant,
    ...TokenTarget,
    parameters: Type.Record(Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,64}$' }), Type.String({ maxLength: 2_000 }), {
      default: {},
      additionalProperties: false,
      description: 'Further parameters of the token request',
    }),
    request_headers: Type.Record(HeaderName, Type.String({ pattern: '^[\\x20-\\x7E]*$', maxLength: 2_000 }), {
      default: {},
      description: 'Further headers of the token request',
    }),
    dpop: Type.Optional(Dpop),
    header: Type.String({ ...HeaderName, default: 'authorization', description: 'Header that carries the token' }),
    timeout_ms: milliseconds(2_000, 'Deadline of a token request'),
    handed_out: Type.Boolean({
      default: false,
      description: 'Whether whoever reaches the sidecar gets the token, at POST /v1/upstream-tokens/{upstream}',
    }),
    idle_time: seconds(3_600, 0, 604_800, 'How long after its last use a token is still fetched anew ahead of time'),
    purge_interval: seconds(10, 1, 3_600, 'Least time between tokens that are fetched because one was refused'),
  },
  'A token for an upstream',
)
export type UpstreamConfig = Static<typeof Upstream>
