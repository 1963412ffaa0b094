/**
 * Limits and requirements of a tenant. Those of an organization bind its whole subtree: below, they can be tightened,
 * and never loosened.
 */
import Type, { type Static } from 'typebox'

const seconds = (description: string) => Type.Integer({ minimum: 1, maximum: 315_360_000, description })
const strings = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50, uniqueItems: true, description })

export const Limits = Type.Partial(
  Type.Object({
    access_token_lifetime: seconds('Longest lifetime of access tokens, in seconds'),
    refresh_token_lifetime: seconds('Longest lifetime of a grant with a refresh token, in seconds'),
    signing_algorithms: strings('Algorithms that may sign'),
    token_endpoint_auth_methods: strings('Methods by which clients may authenticate'),
    sender_constraint: Type.Union([Type.Literal('dpop'), Type.Literal('mtls'), Type.Literal('any')], {
      description: 'Access tokens must be bound to a key of the client: by DPoP, by certificate, by either',
    }),
  }),
  { additionalProperties: false },
)
export type Limits = Static<typeof Limits>

/** The limits that hold where both hold. */
export function tighten(outer: Limits, inner: Limits): Limits {
  const result: Limits = { ...outer, ...inner }
  for (const name of ['access_token_lifetime', 'refresh_token_lifetime'] as const) {
    const [a, b] = [outer[name], inner[name]]
    if (a !== undefined && b !== undefined) result[name] = Math.min(a, b)
  }
  for (const name of ['signing_algorithms', 'token_endpoint_auth_methods'] as const) {
    const [a, b] = [outer[name], inner[name]]
    if (a && b) result[name] = b.filter((value) => a.includes(value))
  }
  // Between two different ways of binding there is nothing in common but the outer one's word.
  if (outer.sender_constraint !== undefined && outer.sender_constraint !== 'any') {
    result.sender_constraint = outer.sender_constraint
  }
  return result
}
