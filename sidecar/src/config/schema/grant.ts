/** How a token for an upstream is asked for: one file of `remote/upstream-grants/` for each member. */
import Type, { type Static } from 'typebox'
import { asymmetricAlgorithms, object, SecretSource, seconds } from './parts.ts'

export const TokenTarget = {
  scope: Type.Optional(
    Type.String({ pattern: '^[\\x20-\\x7E]+$', description: 'Requested scopes, separated by spaces' }),
  ),
  audience: Type.Array(Type.String({ minLength: 1, maxLength: 2_000 }), {
    default: [],
    maxItems: 20,
    description: 'Whom the token is for, by name (RFC 8693 section 2.1)',
  }),
  resource: Type.Array(Type.String({ minLength: 1, maxLength: 2_000 }), {
    default: [],
    maxItems: 20,
    description: 'Whom the token is for, by URI (RFC 8707)',
  }),
}
const Target = object(TokenTarget)
export type TokenTargetConfig = Static<typeof Target>

const ClientCredentials = object({}, 'For the sidecar itself (RFC 6749 section 4.4)')

const TokenExchange = object(
  {
    subject_token_type: Type.String({ default: 'urn:ietf:params:oauth:token-type:access_token', minLength: 1 }),
    requested_token_type: Type.Optional(Type.String({ minLength: 1 })),
    actor: Type.Optional(
      object(TokenTarget, 'Who acts for the caller: the client, by a token of its own that is asked for like this'),
    ),
    max_callers: Type.Integer({ default: 10_000, minimum: 1, maximum: 1_000_000, description: 'Tokens that are kept' }),
  },
  "On behalf of the caller, by the caller's token (RFC 8693)",
)
export type TokenExchangeConfig = Static<typeof TokenExchange>

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is what a template looks like
const templateExample = 'Text with claims of the caller in it, as in user-${sub}'
const JwtBearer = object(
  {
    key: { ...SecretSource, description: 'The private key that signs the assertion, as PEM or JWK' },
    kid: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: "Default: that of the JWK's" })),
    algorithm: Type.Optional(Type.Enum(asymmetricAlgorithms, { description: 'Default: the usual one for the key' })),
    issuer: Type.Optional(Type.String({ minLength: 1, description: 'iss; default: the client_id' })),
    subject: Type.String({ minLength: 1, maxLength: 1_000, description: `sub. ${templateExample}` }),
    audience: Type.Optional(Type.String({ minLength: 1, description: 'aud; default: the issuer identifier' })),
    claims: Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 1_000 }), {
      default: {},
      description: `Further claims. ${templateExample}`,
    }),
    lifetime: seconds(60, 10, 600, 'From the making of the assertion to its expiry'),
    max_callers: Type.Integer({ default: 10_000, minimum: 1, maximum: 1_000_000, description: 'Tokens that are kept' }),
  },
  'By an assertion that the sidecar signs (RFC 7523 section 2.1)',
)
export type JwtBearerConfig = Static<typeof JwtBearer>

const RefreshToken = object(
  {
    token: { ...SecretSource, description: 'The first refresh token' },
    state_file: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Where the next one is kept, if the issuer gives a new one with each use. One sidecar per file',
      }),
    ),
  },
  'By a refresh token that somebody obtained before (RFC 6749 section 6)',
)
export type RefreshTokenConfig = Static<typeof RefreshToken>

const Password = object(
  { username: Type.String({ minLength: 1, maxLength: 256 }), password: SecretSource },
  "By an account's password (RFC 6749 section 4.3). For old issuers only: OAuth 2.1 has no such grant",
)
export type PasswordConfig = Static<typeof Password>

export const Grant = Type.Object(
  {
    client_credentials: Type.Optional(ClientCredentials),
    token_exchange: Type.Optional(TokenExchange),
    jwt_bearer: Type.Optional(JwtBearer),
    refresh_token: Type.Optional(RefreshToken),
    password: Type.Optional(Password),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    default: { client_credentials: {} },
    description: 'How the token is asked for',
  },
)
export type GrantConfig = Static<typeof Grant>
