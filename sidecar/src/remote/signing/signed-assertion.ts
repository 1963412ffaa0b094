/** Short-lived JWTs for one use that the sidecar signs, for token endpoints (RFC 7523 section 3). */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { SigningKey } from './signing-key.ts'

export interface AssertionClaims {
  issuer: string
  subject: string
  /** One, so that no other server can use the assertion there. */
  audience: string
  /** Further claims. */
  claims?: Readonly<Record<string, string>>
  /** Seconds. */
  lifetime: number
}

/** @param now ms since the epoch */
export function signAssertion(
  { key, algorithm, kid }: SigningKey,
  { issuer, subject, audience, claims = {}, lifetime }: AssertionClaims,
  now: number,
): Promise<string> {
  const issuedAt = Math.floor(now / 1_000)
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(kid !== undefined && { kid }) })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetime)
    .sign(key)
}
