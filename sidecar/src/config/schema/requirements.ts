import Type, { type Static } from 'typebox'
import { object, ScopeToken } from './parts.ts'

const Condition = object(
  {
    expression: Type.String({
      minLength: 1,
      maxLength: 2_000,
      description: 'CEL over claims, issuer, request and now',
    }),
    description: Type.Optional(
      Type.String({
        pattern: '^[\\x20-\\x21\\x23-\\x5B\\x5D-\\x7E]{1,200}$',
        description: 'For whom it is refused to',
      }),
    ),
  },
  'What must be true',
)

/** Of a policy, and of each of its rules: those of both must be met. */
export const requirements = {
  sender_constraint: Type.Enum(['none', 'dpop', 'mtls', 'any'], {
    default: 'none',
    description: 'What the token must be bound to. none: nothing. What it is bound to must always be proven',
  }),
  required_scopes: Type.Array(ScopeToken, {
    default: [],
    uniqueItems: true,
    description: 'The token needs all of them',
  }),
  any_scope: Type.Optional(
    Type.Array(ScopeToken, { minItems: 1, uniqueItems: true, description: 'The token needs one of them' }),
  ),
  acr_values: Type.Optional(
    Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$' }), {
      minItems: 1,
      description: 'Accepted authentication context classes (RFC 9470)',
    }),
  ),
  max_age: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 31_536_000,
      description: 'Longest time since the user was authenticated (RFC 9470), in seconds',
    }),
  ),
  conditions: Type.Array(Condition, { default: [], maxItems: 50, description: 'All must be true' }),
}

const Requirements = Type.Object(requirements)
export type RequirementsConfig = Static<typeof Requirements>
