/**
 * Of a token that nobody has verified here, whether its issuer has revoked it. What it says of itself is only taken against
 * it: changed to get past, it is one that no issuer exchanges, and for which nothing is kept.
 */
import type { Claims } from '../remote/jwt/issuer-jwt.ts'
import { receiveJwt } from '../remote/jwt/received-jwt.ts'
import { type CheckRevocation, type RevocationState, revocableClaims } from './revocation.ts'

export type CheckCaller = (token: string) => RevocationState

/** @param issuers issuer identifiers, and what the configuration calls these issuers */
export function createCheckCaller(issuers: ReadonlyMap<string, string>, checkRevocation: CheckRevocation): CheckCaller {
  return (token) => {
    const jwt = receiveJwt(token)
    const issuer = jwt && issuers.get(String(jwt.payload.iss))
    if (!issuer) return 'in_force'
    return checkRevocation({ issuer, revocable: revocableClaims(jwt.payload, kidOf(jwt.header)), inForceAt: 0 })
  }
}

/** Empty where it names none, which is no token of ours then. */
function kidOf({ kid }: Claims): string {
  return typeof kid === 'string' ? kid : ''
}
