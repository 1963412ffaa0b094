import Type, { type Static } from 'typebox'
import { HeaderName, object, ScopeToken } from './parts.ts'

export const Policy = object(
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
