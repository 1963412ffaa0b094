/** The contract of `POST /v1/validate`: a token in, what is known of it out, for plugins that decide the rest themselves. */
import Type, { type Static } from 'typebox'

export const TokenValidationQuery = Type.Object(
  { policy: Type.String({ minLength: 1, maxLength: 128 }), token: Type.String({ minLength: 1, maxLength: 65_536 }) },
  { additionalProperties: false },
)
export type TokenValidationQuery = Static<typeof TokenValidationQuery>

/** What a policy requires besides (scopes, conditions, rules) has not been looked at. */
const Valid = Type.Object({
  valid: Type.Literal(true),
  /** Name of the issuer in the sidecar's configuration. */
  issuer: Type.String(),
  claims: Type.Record(Type.String(), Type.Unknown()),
  /** Seconds since the epoch after which nobody may rely on this any more. */
  expires_at: Type.Number(),
})

const Invalid = Type.Object({
  valid: Type.Literal(false),
  error: Type.String(),
  error_description: Type.String(),
})

export const TokenValidation = Type.Union([Valid, Invalid])
export type TokenValidation = Static<typeof TokenValidation>
