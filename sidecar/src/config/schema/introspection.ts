import Type, { type Static } from 'typebox'
import { clientAuth } from './client-auth.ts'
import { milliseconds, object, seconds, Url } from './parts.ts'

const OpaqueTokens = object(
  {
    prefix: Type.String({
      pattern: '^[A-Za-z0-9._~+/-]{1,64}$',
      description: 'How they begin: others are not shown to the issuer',
    }),
  },
  "What the issuer's opaque tokens look like",
)

const Hedging = object(
  {
    max_share: Type.Number({
      default: 0.05,
      exclusiveMinimum: 0,
      maximum: 0.5,
      description: 'Of all questions, that are asked twice at most',
    }),
  },
  'A second request where the first takes longer than 95% of the last ones; the first answer counts',
)

export const Introspection = object(
  {
    endpoint: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    ...clientAuth,
    opaque_tokens: Type.Optional(OpaqueTokens),
    signed: Type.Boolean({
      default: false,
      description: 'Signed answers are asked for, and no others believed (RFC 9701)',
    }),
    cache_ttl: seconds(30, 0, 3_600, 'How long an active token is not asked about again; never past its expiry'),
    negative_cache_ttl: seconds(5, 0, 300, 'How long a token that is not active is not asked about again'),
    timeout_ms: milliseconds(1_000, 'Deadline of a question, all of its requests included'),
    retries: Type.Integer({
      default: 1,
      minimum: 0,
      maximum: 5,
      description: 'Further requests where the connection fails or the answer is a 5xx',
    }),
    hedging: Type.Optional(Hedging),
  },
  'Introspection of opaque tokens (RFC 7662)',
)
export type IntrospectionConfig = Static<typeof Introspection>
