/**
 * JWTs that others signed, as this server accepts them wherever they prove something: client assertions (RFC 7523 section
 * 3), assertions of trusted issuers, their tokens. They are strictly spelled, short-lived, and made for this server.
 */
import { audienceMatches, parseAudience } from '@postern/protocol/audience'
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { KeySource } from '../outgoing/key-source.ts'

/** Longer ones are read by nobody. */
export const maxAssertionLength = 16_384
/** Seconds that the signer's clock may be ahead. */
export const leeway = 30

/** What is expected of every JWT. */
export interface SignatureExpectation {
  keys: Pick<KeySource, 'verify'>
  algorithms: readonly string[]
  issuer: string
  /** The acceptable values of `typ`; undefined: none may be there as well. */
  types: readonly (string | undefined)[]
}

export interface Expectation extends SignatureExpectation {
  subject?: string
  /** At least one of these must be named. */
  audiences: readonly string[]
  /** Whether the audience must be named alone: whoever else is named could use the JWT here, and we there. */
  alone: boolean
  /** Seconds from now to the latest acceptable `exp`. */
  maxLifetime: number
}

/** Its claims, the times among them. */
export type VerifiedClaims = JWTPayload & { exp: number }

/**
 * @param now ms since the epoch
 * @returns undefined where the JWT is not genuine, not timely or not meant for this
 * @throws OutgoingError where the keys cannot be had
 */
export async function verifyAssertion(
  assertion: string,
  expected: Expectation,
  now: number,
): Promise<VerifiedClaims | undefined> {
  const { subject, audiences, maxLifetime } = expected
  const more = { audience: [...audiences], ...(subject !== undefined && { subject }) }
  const claims = await verifySigned(assertion, expected, now, more)
  if (!claims || !isMeant(claims.aud, expected)) return undefined
  const { exp, iat } = claims
  return isTimely(exp, iat, maxLifetime, now / 1_000) ? { ...claims, exp } : undefined
}

/**
 * What verification always is: by a key of the issuer, with an algorithm of its own, of the type that is expected, and neither
 * expired nor too early where it says so. An expiry is only checked roughly: `leeway` later, it may still pass.
 * @returns undefined where that is not so
 * @throws OutgoingError where the keys cannot be had
 */
export async function verifySigned(
  jwt: string,
  expected: SignatureExpectation,
  now: number,
  more: Pick<JWTVerifyOptions, 'audience' | 'subject'> = {},
): Promise<JWTPayload | undefined> {
  const options = {
    algorithms: [...expected.algorithms],
    issuer: expected.issuer,
    clockTolerance: leeway,
    currentDate: new Date(now),
    ...more,
  }
  const verified = await expected.keys
    .verify((getKey) => jwtVerify(jwt, getKey, options))
    .catch((error: unknown) => {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    })
  return verified && expected.types.includes(verified.protectedHeader.typ) ? verified.payload : undefined
}

function isMeant(aud: unknown, { audiences, alone }: Expectation): boolean {
  return audienceMatches(aud, audiences) && (!alone || parseAudience(aud)?.length === 1)
}

/** The leeway is for clocks that are ahead; it never stretches an expiry (docs/decisions/0009). All in seconds. */
function isTimely(exp: number | undefined, iat = 0, maxLifetime: number, now: number): exp is number {
  return exp !== undefined && exp > now && exp <= now + maxLifetime && iat <= now + leeway
}
