/** Whether clients may register themselves at an auth server (RFC 7591), and what such clients may be. */
import Type, { type Static } from 'typebox'

const names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), { maxItems: 1_000, uniqueItems: true, description })

export const RegistrationPolicy = Type.Object(
  {
    mode: Type.Union(
      [
        Type.Literal('off'),
        Type.Literal('open'),
        Type.Literal('initial_access_token'),
        Type.Literal('software_statement'),
      ],
      {
        description:
          'off: nobody registers, and registered clients do not manage themselves. open: whoever reaches the server. initial_access_token: whoever has such a token. software_statement: whoever has a software statement of an issuer that is trusted for them',
      },
    ),
    max_clients: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, description: 'Most registered clients. Default: 100' }),
    ),
    max_clients_per_statement: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        description: 'Most registered clients with one and the same software statement. Default: any number',
      }),
    ),
    grant_types: Type.Optional(names('Grant types that they may register. Default: client_credentials')),
    token_endpoint_auth_methods: Type.Optional(
      names('Methods of client authentication that they may register. Default: all but none'),
    ),
    scopes: Type.Optional(names('Scopes that they may register. Default: none')),
    default_scopes: Type.Optional(names('Those of one that registers none. Default: none')),
    authorization_details_types: Type.Optional(
      names('Types of authorization details that they may register. Default: none'),
    ),
    resources: Type.Optional(names('Targets that each of them may ask for (RFC 8707). Default: none')),
    secret_lifetime: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 315_360_000,
        description: 'Seconds that a client secret is good for. Default: it does not expire',
      }),
    ),
    sender_constraint: Type.Optional(
      Type.Union([Type.Literal('dpop'), Type.Literal('mtls'), Type.Literal('any')], {
        description: 'Their access tokens must be bound to a key: by DPoP, by certificate, by either',
      }),
    ),
  },
  { additionalProperties: false, description: 'Whether clients register themselves (RFC 7591), and what they may be' },
)
export type RegistrationPolicy = Static<typeof RegistrationPolicy>

export const defaultMaxRegisteredClients = 100

export function takesRegistrations({ registration }: { registration?: RegistrationPolicy }): boolean {
  return registration !== undefined && registration.mode !== 'off'
}
