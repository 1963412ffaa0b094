import Type, { type Static } from 'typebox'
import { headerClientAuth, Tls } from './client-auth.ts'
import { Introspection } from './introspection.ts'
import { asymmetricAlgorithms, milliseconds, object, seconds, Url } from './parts.ts'

const RevocationFeed = object(
  {
    endpoint: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    ...headerClientAuth,
    max_age: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 3_600,
        description:
          'How long ago, in seconds, the issuer must at least have said that nothing more is revoked: else 503. It is asked four times as often. Default: that does not matter once all is known that was revoked before the start',
      }),
    ),
  },
  'Revocations as they happen (RFC 8936). With a feed, tokens without jti are refused',
)

export const Issuer = object(
  {
    issuer: Type.String({ ...Url, description: 'The issuer identifier, to the letter' }),
    audience: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: 'Accepted audiences: one must be named',
    }),
    algorithms: Type.Array(Type.Enum(asymmetricAlgorithms), {
      default: ['ES256'],
      minItems: 1,
      description: 'Accepted signature algorithms',
    }),
    token_types: Type.Array(Type.Enum(['at+jwt', 'JWT']), {
      default: ['at+jwt'],
      uniqueItems: true,
      description:
        'Accepted types of JWTs: at+jwt (RFC 9068); JWT for issuers that do not follow it, also where the type is missing. None: JWTs are introspected as opaque tokens are',
    }),
    leeway: seconds(5, 0, 60, 'Tolerated difference of the clocks for iat and nbf; the expiry is never stretched'),
    jwks_uri: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    timeout_ms: milliseconds(2_000, 'Deadline of requests for keys and metadata'),
    tls: Type.Optional({ ...Tls, description: 'Connections to the issuer, where a part has no tls of its own' }),
    introspection: Type.Optional(Introspection),
    revocation_feed: Type.Optional(RevocationFeed),
  },
  'A trusted issuer',
)
export type IssuerConfig = Static<typeof Issuer>
