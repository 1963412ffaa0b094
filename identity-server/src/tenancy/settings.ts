/**
 * What an auth server may be set to beyond its columns. Stored as one document; this schema is what the admin API
 * accepts, what is stored and what is read again.
 */
import Type, { type Static } from 'typebox'
import { RegistrationPolicy } from './registration-policy.ts'

const seconds = (maximum: number, description: string) => Type.Integer({ minimum: 1, maximum, description })

const AuthorizationDetailsType = Type.Object(
  {
    type: Type.String({ minLength: 1, maxLength: 200, description: 'The `type` member of such a detail' }),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema that the whole detail must fit' }),
    ),
  },
  { additionalProperties: false },
)

export const AuthServerSettings = Type.Partial(
  Type.Object({
    refresh_token_lifetime: seconds(31_536_000, 'Seconds that a refresh token may lie unused. Default: 30 days'),
    grant_lifetime: seconds(
      315_360_000,
      'Seconds from the first token of a grant to the end of its last. Default: 1 year',
    ),
    authorization_details_types: Type.Array(AuthorizationDetailsType, {
      maxItems: 100,
      description: 'Types of authorization details that exist here (RFC 9396)',
    }),
    dpop_nonce_required: Type.Boolean({ description: 'DPoP proofs must hold a nonce of this server (RFC 9449)' }),
    registration: RegistrationPolicy,
  }),
  { additionalProperties: false },
)
export type AuthServerSettings = Static<typeof AuthServerSettings>

export const defaultRefreshTokenLifetime = 2_592_000
export const defaultGrantLifetime = 31_536_000
