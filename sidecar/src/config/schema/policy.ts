import Type, { type Static } from 'typebox'
import { IdentityHeaders, IdentityToken } from './headers.ts'
import { Inspection } from './inspection.ts'
import { object, seconds, section } from './parts.ts'
import { requirements } from './requirements.ts'
import { ResourceMetadata } from './resource-metadata.ts'
import { ClientCertificate, Dpop } from './sender-constraint.ts'
import { TokenSource } from './token-source.ts'

const access = ['token', 'anonymous', 'nobody'] as const
const accessDescription =
  'token: with a token that suffices. anonymous: also without a token; one that is sent must still suffice. nobody: never'

const Rule = object(
  {
    paths: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
        minItems: 1,
        description: 'Patterns: * is one segment, ** at the end any number of them. Default: any path',
      }),
    ),
    methods: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Z][A-Z-]{0,31}$' }), {
        minItems: 1,
        uniqueItems: true,
        description: 'GET stands for HEAD as well. Default: any method',
      }),
    ),
    access: Type.Optional(Type.Enum(access, { description: `Default: that of the policy. ${accessDescription}` })),
    ...requirements,
  },
  'What is different for some of the requests',
)
export type RuleConfig = Static<typeof Rule>

export const Policy = object(
  {
    issuers: Type.Array(Type.String(), { minItems: 1, uniqueItems: true, description: 'Names of accepted issuers' }),
    token_from: Type.Array(TokenSource, {
      default: [{ header: 'authorization' }],
      minItems: 1,
      maxItems: 10,
      description: 'Where tokens are looked for; a request with two tokens is refused',
    }),
    dpop: Type.Optional(Dpop),
    client_certificate: Type.Optional(ClientCertificate),
    inspection: Type.Optional(Inspection),
    introspect_jwts: Type.Boolean({
      default: false,
      description: 'Whether issuers are asked about JWTs as well, once they are found genuine',
    }),
    revocations_within: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 3_600,
        description:
          'How long ago, in seconds, an issuer must at least have said that nothing more is revoked: else 503. Default: as the revocation_feed of the issuer has it',
      }),
    ),
    on_unavailable: section(
      {
        stale_for: seconds(
          0,
          0,
          3_600,
          'How long a token that was active is let through past its cache_ttl; never past its expiry',
        ),
      },
      'What becomes of requests while an issuer cannot be asked about a token',
    ),
    access: Type.Enum(access, { default: 'token', description: accessDescription }),
    ...requirements,
    rules: Type.Array(Rule, {
      default: [],
      maxItems: 500,
      description: 'The first that matches counts. What it requires is required beside what the policy requires',
    }),
    unmatched: Type.Enum(['policy', 'nobody'], {
      default: 'policy',
      description: 'Who gets through where no rule matches: whom the policy itself lets through, or nobody',
    }),
    paths_may_have: Type.Array(Type.Enum(['empty_segments', 'encoded_slashes', 'path_parameters']), {
      default: [],
      uniqueItems: true,
      description: 'Oddities that the upstream takes literally. Rules refuse paths with others: they have two readings',
    }),
    paths_differ_by_case: Type.Boolean({
      default: false,
      description: 'Whether /a and /A are different to the upstream. If not, a path is refused whose case decides',
    }),
    cors_preflight: Type.Enum(['authenticate', 'forward'], {
      default: 'authenticate',
      description: 'forward: preflight requests, which never carry a token, reach the upstream without one',
    }),
    headers: IdentityHeaders,
    identity_token: Type.Optional(IdentityToken),
    gateway_claims: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        maxItems: 50,
        uniqueItems: true,
        description:
          'Claims that the gateway itself is told beside iss, for its other filters and its log. Default: sub, client_id and scope over gRPC, nothing otherwise',
      }),
    ),
    caller_token: Type.Enum(['remove', 'forward'], {
      default: 'remove',
      description: "What becomes of the caller's token on the way to the upstream",
    }),
    upstream: Type.Optional(Type.String({ description: 'Name of the upstream whose token is added' })),
    resource_metadata: Type.Optional(ResourceMetadata),
  },
  'What a gateway asks about, by name',
)
export type PolicyConfig = Static<typeof Policy>
