/** The second step: verify a JWT of one of the policy's issuers, or introspect an opaque token. */
import { Refusal } from '../failures.ts'
import type { Authenticate } from './identity.ts'
import { tokenKind } from './token-kind.ts'

export interface TrustedIssuer {
  /** The issuer identifier. */
  issuer: string
  verify: Authenticate
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
    if (!trusted) throw new Refusal('invalid_token', 'the issuer is not trusted')
    return trusted.verify(token)
  }
}
