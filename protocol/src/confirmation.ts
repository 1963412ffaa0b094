/** The `cnf` claim: which key a token is bound to (RFC 7800 section 3.1, RFC 9449 section 6, RFC 8705 section 3.1). */
import Type, { type Static } from 'typebox'

const thumbprint = (description: string) => Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description })

export const Confirmation = Type.Partial(
  Type.Object({
    jkt: thumbprint('SHA-256 thumbprint of the DPoP key (RFC 7638)'),
    'x5t#S256': thumbprint('SHA-256 thumbprint of the client certificate'),
  }),
  { additionalProperties: false },
)
export type Confirmation = Static<typeof Confirmation>

/** The `token_type` of a token that is bound so (RFC 9449 section 5). */
export function tokenTypeOf(confirmation: Confirmation | undefined): 'Bearer' | 'DPoP' {
  return confirmation?.jkt === undefined ? 'Bearer' : 'DPoP'
}
