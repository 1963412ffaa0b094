/** The second step: verify a JWT of one of the policy's issuers, or introspect an opaque token. */
import { Refusal } from '../failures.ts'
import type { Authenticate } from './identity.ts'
import { tokenKind } from './token-kind.ts'
import type { VerifyJwt } from './verify-jwt.ts'

export interface TrustedIssuer {
  /** The issuer identifier. */
  issuer: string
  /** Undefined where its JWTs are introspected as its opaque tokens are. */
  verify: VerifyJwt | undefined
  /** Undefined where the issuer has no introspection configured. */
  introspect: Authenticate | undefined
}

/** @param issuers of the policy; at most one of them introspects (config/checks.ts) */
export function createAuthenticate(issuers: readonly TrustedIssuer[]): Authenticate {
  const byIdentifier = new Map(issuers.map((trusted) => [trusted.issuer, trusted]))
  const introspect = issuers.find((trusted) => trusted.introspect)?.introspect

  return async (token) => {
    const kind = tokenKind(token)
    if (kind.kind === 'opaque') {
      if (!introspect) throw new Refusal('invalid_token', 'the token is no JWT')
      return introspect(token)
    }
    const trusted = kind.issuer === undefined ? undefined : byIdentifier.get(kind.issuer)
    if (!trusted || !kind.jwt) throw new Refusal('invalid_token', 'the issuer is not trusted')
    if (trusted.verify) return trusted.verify(kind.jwt)
    if (!trusted.introspect) throw new Refusal('invalid_token', 'the issuer has no such tokens')
    return trusted.introspect(token)
  }
}
