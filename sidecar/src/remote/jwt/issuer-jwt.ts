/**
 * JWTs that an issuer has signed, of whichever kind: access tokens, security events, introspection responses. Read with the
 * care of RFC 8725: accepted algorithms, bound to the kind of key; explicit types, so that one kind is not taken for
 * another; no critical extensions; and no keys but the issuer's own, whatever the header brings along.
 */
import { Refusal } from '../../failures.ts'
import type { VerifySignature } from './jwks.ts'
import { type ReceivedJwt, typeOf } from './received-jwt.ts'

export interface IssuerJwtOptions {
  issuer: string
  algorithms: readonly string[]
  verifySignature: VerifySignature
}

export type Claims = Readonly<Record<string, unknown>>

/**
 * @param types accepted values of `typ`, without `application/`, in lower case; undefined: that it is not there
 * @throws Refusal, DependencyError
 */
export type VerifyIssuerJwt = (jwt: ReceivedJwt, types: readonly (string | undefined)[]) => Promise<Claims>

export function createVerifyIssuerJwt({ issuer, algorithms, verifySignature }: IssuerJwtOptions): VerifyIssuerJwt {
  return async (jwt, types) => {
    const { header, payload } = jwt
    if (typeof header.alg !== 'string' || !algorithms.includes(header.alg)) throw unverifiable()
    // None is understood here, and `b64` would have the signature be of something else (RFC 7797 section 6).
    if (header.crit !== undefined || header.b64 !== undefined) throw unverifiable()
    if (!types.includes(typeOf(jwt))) throw notAccepted('typ')
    if (payload.iss !== issuer) throw notAccepted('iss')
    await verifySignature(jwt)
    return payload
  }
}

export function notAccepted(claim: string): Refusal {
  return new Refusal('invalid_token', `the claim ${claim} of the token is not accepted`)
}

function unverifiable(): Refusal {
  return new Refusal('invalid_token', 'the token cannot be verified')
}
