/**
 * What a client may be set to beyond its columns, by the names of the metadata registry (RFC 7591) where it has one.
 * Stored as one document; this schema is what the admin API and registration accept, what is stored and what is read
 * again.
 */
import Type, { type Static } from 'typebox'
import { signingAlgorithms } from '../keys/algorithms.ts'

const Target = Type.String({ minLength: 1, maxLength: 1_000 })
const subject = (description: string) => Type.String({ minLength: 1, maxLength: 1_000, description })
const seconds = (maximum: number, description: string) => Type.Integer({ minimum: 1, maximum, description })

export const JwksSetting = Type.Object(
  { keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1, maxItems: 20 }) },
  { additionalProperties: false, description: 'Public keys (RFC 7517 section 5)' },
)
export const JwksUriSetting = Type.String({ minLength: 1, maxLength: 2_048, description: 'Where the public keys are' })

export const ClientSettings = Type.Partial(
  Type.Object({
    token_endpoint_auth_signing_alg: Type.Union(
      [...signingAlgorithms, 'HS256'].map((name) => Type.Literal(name)),
      {
        description: 'The only algorithm of its assertions',
      },
    ),
    jwks: JwksSetting,
    jwks_uri: JwksUriSetting,
    access_token_format: Type.Union([Type.Literal('jwt'), Type.Literal('opaque')], {
      description: 'JWT (RFC 9068), the default, or an opaque string that only introspection explains',
    }),
    resources: Type.Array(Target, {
      maxItems: 100,
      uniqueItems: true,
      description: 'Targets that it may ask for by `resource` (RFC 8707) or `audience` (RFC 8693)',
    }),
    refresh_token_lifetime: seconds(31_536_000, "Seconds, in place of the auth server's"),
    grant_lifetime: seconds(315_360_000, "Seconds, in place of the auth server's"),
    authorization_details_types: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      maxItems: 100,
      uniqueItems: true,
      description: 'Types of authorization details that it may ask for (RFC 9396)',
    }),
    token_exchange: Type.Object(
      {
        impersonation: Type.Optional(
          Type.Boolean({ description: 'May get tokens that do not tell that somebody acts for the subject' }),
        ),
        delegation: Type.Optional(
          Type.Union([Type.Literal('none'), Type.Literal('may_act'), Type.Literal('any')], {
            description: 'may_act: for subjects whose token names the actor. any: for others as well. Default: none',
          }),
        ),
        audiences: Type.Optional(
          Type.Array(Target, {
            maxItems: 100,
            uniqueItems: true,
            description: 'Audiences that it stands for: it may exchange tokens that were issued for them',
          }),
        ),
        bound_tokens: Type.Optional(
          Type.Boolean({ description: 'May exchange tokens that are bound to keys of those who sent them to it' }),
        ),
      },
      { additionalProperties: false, description: 'What it may exchange (RFC 8693)' },
    ),
    introspection_audiences: Type.Array(Target, {
      maxItems: 100,
      uniqueItems: true,
      description: 'May introspect tokens for these audiences, whoever got them',
    }),
    dpop_bound_access_tokens: Type.Boolean({ description: 'Gets no token without a DPoP proof (RFC 9449)' }),
    tls_client_certificate_bound_access_tokens: Type.Boolean({
      description: 'Gets tokens that are bound to its certificate, and none without one (RFC 8705)',
    }),
    tls_client_auth_subject_dn: subject('Distinguished name of its certificate (RFC 4514), for tls_client_auth'),
    tls_client_auth_san_dns: subject('DNS name in its certificate, for tls_client_auth'),
    tls_client_auth_san_uri: subject('URI in its certificate, for tls_client_auth'),
    tls_client_auth_san_ip: subject('IP address in its certificate, for tls_client_auth'),
    tls_client_auth_san_email: subject('Mail address in its certificate, for tls_client_auth'),
  }),
  { additionalProperties: false },
)
export type ClientSettings = Static<typeof ClientSettings>
