/** How far an issuer is trusted. Stored as one document, like the settings of clients. */
import Type, { type Static } from 'typebox'
import { JwksSetting, JwksUriSetting } from '../clients/settings.ts'
import { signingAlgorithms } from '../keys/algorithms.ts'

const strings = (maxLength: number, description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength }), { maxItems: 100, uniqueItems: true, description })

export const TrustedIssuerSettings = Type.Object(
  {
    jwks: Type.Optional(JwksSetting),
    jwks_uri: Type.Optional(JwksUriSetting),
    algorithms: Type.Optional(
      Type.Array(Type.Union(signingAlgorithms.map((name) => Type.Literal(name))), {
        minItems: 1,
        uniqueItems: true,
        description: 'Those that it signs with. Default: every one that this server knows',
      }),
    ),
    trusted_for: Type.Array(
      Type.Union([Type.Literal('assertions'), Type.Literal('subject_tokens'), Type.Literal('software_statements')]),
      {
        minItems: 1,
        uniqueItems: true,
        description:
          'assertions: the JWT bearer grant (RFC 7523). subject_tokens: token exchange (RFC 8693). software_statements: registration (RFC 7591)',
      },
    ),
    subject: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        description:
          // biome-ignore lint/suspicious/noTemplateCurlyInString: it shows a template
          'The subject here, with CEL in ${ }, for instance acme:${subject_token.sub}: without a prefix of its own, an issuer can name any subject of this auth server. Software statements have none',
      }),
    ),
    condition: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1_000, description: 'CEL; a JWT for which it is not true is refused' }),
    ),
    scopes: Type.Optional(
      strings(200, 'Scopes of tokens on its word. Of clients with its software statements, the policy decides'),
    ),
    clients: Type.Optional(strings(128, 'Clients that may present its JWTs. Default: every one with the grant')),
    audiences: Type.Optional(
      strings(
        1_000,
        "Audiences that its subject tokens and software statements may have. Default: this auth server's issuer identifier",
      ),
    ),
    max_lifetime: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description:
          'Seconds from now to the latest expiry of an acceptable JWT. Default: 3600. Not of software statements',
      }),
    ),
    max_statement_age: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 315_360_000,
        description:
          'Seconds since `iat`, which must then be there, that a software statement is accepted. Default: any, until its `exp`',
      }),
    ),
  },
  { additionalProperties: false },
)
export type TrustedFor = TrustedIssuerSettings['trusted_for'][number]
/** JWTs that speak for a subject, and not for a software. */
export type SubjectPurpose = Exclude<TrustedFor, 'software_statements'>
export type TrustedIssuerSettings = Static<typeof TrustedIssuerSettings>
