import Type, { type Static } from 'typebox'
import { HeaderName, object, SecretSource, seconds } from './parts.ts'

const MappedClaim = object(
  {
    claim: Type.Union(
      [
        Type.String({ minLength: 1 }),
        Type.Array(Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 0 })]), {
          minItems: 1,
          maxItems: 8,
        }),
      ],
      { description: 'Name of the claim, or the way to a nested one: names of members, positions in lists' },
    ),
    // Without defaults of the schema: these would not be filled in within a choice of types.
    format: Type.Optional(
      Type.Enum(['text', 'json', 'base64', 'base64url'], {
        description:
          'text (default): as it is, lists joined; json: in ASCII; base64, base64url: of the text, or else of the JSON',
      }),
    ),
    separator: Type.Optional(
      Type.String({ pattern: '^[\\x20-\\x7E]{1,3}$', description: 'Between the items of a list; default: a space' }),
    ),
    required: Type.Optional(
      Type.Boolean({ description: 'Refuse the request where the header could not be set. Default: it is left out' }),
    ),
  },
  'A header from a claim',
)

export const IdentityHeaders = Type.Record(HeaderName, Type.Union([Type.String({ minLength: 1 }), MappedClaim]), {
  default: {},
  description: 'Identity headers for the upstream: name of the header, name of the claim, or more about it',
})
export type MappedClaim = Required<Static<typeof MappedClaim>>

export const IdentityToken = object(
  {
    header: Type.String({ ...HeaderName, default: 'x-postern-identity', description: 'Header that carries the token' }),
    issuer: Type.String({
      minLength: 1,
      maxLength: 2_000,
      description: 'The iss of the token: a name for this sidecar',
    }),
    audience: Type.String({ minLength: 1, maxLength: 2_000, description: 'The aud of the token: the upstream' }),
    claims: Type.Array(Type.String({ minLength: 1 }), {
      default: ['sub', 'client_id', 'scope'],
      uniqueItems: true,
      description: 'Claims that are taken over from the token of the caller',
    }),
    ttl: seconds(60, 10, 3_600, 'Lifetime of the token'),
    key: Type.Optional({
      ...SecretSource,
      description: 'Private key: a JWK or PEM, of ES256 or EdDSA. Default: one that is made at the start',
    }),
  },
  'A short-lived JWT about the caller, for upstreams that want to verify what they are told',
)
export type IdentityTokenConfig = Static<typeof IdentityToken>
