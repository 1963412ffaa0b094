/**
 * The configuration file: one schema is the source of the types, of the validation and of the published JSON Schema.
 * Members are spelled in snake case, as on the wire. Seconds unless a name says otherwise.
 */
import Type, { type Static, type TSchema } from 'typebox'

const object = <Properties extends Record<string, TSchema>>(properties: Properties, description?: string) =>
  Type.Object(properties, { additionalProperties: false, ...(description && { description }) })
/** A member with a default is always there once the file is loaded. */
const seconds = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description: `${description}, in seconds` })
const milliseconds = (fallback: number, description: string) =>
  Type.Integer({ default: fallback, minimum: 10, maximum: 60_000, description: `${description}, in milliseconds` })
const name = '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'
const named = <Schema extends TSchema>(schema: Schema, description: string) =>
  Type.Record(Type.String({ pattern: name }), schema, { description, additionalProperties: false })

const Url = Type.String({ pattern: '^https?://[^\\s/?#]+[^\\s#]*$', maxLength: 2_000 })
const Address = Type.String({ pattern: '^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+):\\d{1,5}$' })
const HeaderName = Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", maxLength: 100 })
const ScopeToken = Type.String({ pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$' })

export const SecretSource = Type.Object(
  {
    env: Type.Optional(Type.String({ minLength: 1, description: 'Name of an environment variable' })),
    file: Type.Optional(
      Type.String({ minLength: 1, description: 'Path of a file; a line break at its end is ignored' }),
    ),
    value: Type.Optional(Type.String({ minLength: 1, description: 'The secret itself: for tests only' })),
  },
  { additionalProperties: false, minProperties: 1, maxProperties: 1, description: 'Where a secret is read from' },
)
export type SecretSource = Static<typeof SecretSource>

const credentials = {
  client_id: Type.String({ minLength: 1, maxLength: 256 }),
  client_secret: SecretSource,
}

export const asymmetricAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
] as const

const Introspection = object(
  {
    endpoint: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    ...credentials,
    cache_ttl: seconds(30, 0, 3_600, 'How long an active token is not asked about again; never past its expiry'),
    timeout_ms: milliseconds(1_000, 'Deadline of a request'),
  },
  'Introspection of opaque tokens (RFC 7662)',
)

const RevocationFeed = object(
  {
    endpoint: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    ...credentials,
  },
  'Revocations as they happen (RFC 8936). With a feed, tokens without jti are refused',
)

const Issuer = object(
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
    leeway: seconds(5, 0, 60, 'Tolerated difference of the clocks for iat and nbf; the expiry is never stretched'),
    jwks_uri: Type.Optional(Type.String({ ...Url, description: 'Default: from the metadata of the issuer' })),
    timeout_ms: milliseconds(2_000, 'Deadline of requests for keys and metadata'),
    introspection: Type.Optional(Introspection),
    revocation_feed: Type.Optional(RevocationFeed),
  },
  'A trusted issuer',
)
export type IssuerConfig = Static<typeof Issuer>

const Upstream = object(
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

const Policy = object(
  {
    issuers: Type.Array(Type.String(), { minItems: 1, uniqueItems: true, description: 'Names of accepted issuers' }),
    required_scopes: Type.Array(ScopeToken, {
      default: [],
      uniqueItems: true,
      description: 'The token needs all of them',
    }),
    headers: Type.Record(HeaderName, Type.String({ minLength: 1 }), {
      default: {},
      description: 'Identity headers for the upstream: name of the header, name of the claim',
    }),
    caller_token: Type.Enum(['remove', 'forward'], {
      default: 'remove',
      description: "What becomes of the caller's Authorization header",
    }),
    upstream: Type.Optional(Type.String({ description: 'Name of the upstream whose token is added' })),
  },
  'What a gateway asks about, by name',
)
export type PolicyConfig = Static<typeof Policy>

export const Config = object({
  listen: Type.Object(
    {
      tcp: Type.Optional(
        Type.String({ ...Address, description: 'Loopback address and port; port 0 picks a free one' }),
      ),
      unix: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Path of a unix socket' })),
    },
    { additionalProperties: false, minProperties: 1, description: 'Where gateways reach the sidecar' },
  ),
  admin: object({ tcp: Address }, 'Where /healthz, /readyz and /metrics are'),
  issuers: named(Issuer, 'Trusted issuers by name'),
  upstreams: Type.Record(Type.String({ pattern: name }), Upstream, { default: {}, additionalProperties: false }),
  policies: named(Policy, 'Policies by name'),
  cache: Type.Object(
    {
      max_entries: Type.Integer({ default: 50_000, minimum: 1, maximum: 10_000_000, description: 'Of each policy' }),
      max_bytes: Type.Integer({
        default: 128 * 1024 * 1024,
        minimum: 65_536,
        description: 'Of each policy, an eighth of it for refusals',
      }),
      max_age: seconds(300, 1, 86_400, 'Longest time for which a positive result is used again'),
      negative_max_entries: Type.Integer({
        default: 10_000,
        minimum: 1,
        maximum: 1_000_000,
        description: 'Of each policy',
      }),
      negative_max_age: seconds(5, 0, 300, 'Longest time for which a refusal is used again'),
    },
    { additionalProperties: false, default: {}, description: 'Results that are kept in memory' },
  ),
  log: Type.Object(
    {
      level: Type.Enum(['error', 'warn', 'info', 'debug', 'silent'], { default: 'info' }),
    },
    { additionalProperties: false, default: {} },
  ),
})
export type Config = Static<typeof Config>
