/**
 * JWTs that others signed, as this server accepts them wherever they prove something: client assertions (RFC 7523 section
 * 3), assertions of trusted issuers, their tokens. They are strictly spelled, short-lived, and made for this server.
 */
import { audienceMatches, parseAudience } from '@postern/protocol/audience'
import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { KeySource } from '../outgoing/key-source.ts'

/** Longer ones are read by nobody. */
export const maxAssertionLength = 16_384
/** Seconds that the signer's clock may be ahead. */
const leeway = 30

export interface Expectation {
  keys: Pick<KeySource, 'verify'>
  algorithms: readonly string[]
  issuer: string
  subject?: string
  /** At least one of these must be named. */
  audiences: readonly string[]
  /** Whether the audience must be named alone: whoever else is named could use the JWT here, and we there. */
  alone: boolean
  /** The acceptable values of `typ`; undefined: none may be there as well. */
  types: readonly (string | undefined)[]
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
  const options = {
    algorithms: [...expected.algorithms],
    audience: [...expected.audiences],
    issuer: expected.issuer,
    ...(expected.subject !== undefined && { subject: expected.subject }),
    clockTolerance: leeway,
    currentDate: new Date(now),
  }
  const verified = await expected.keys
    .verify((getKey) => jwtVerify(assertion, getKey, options))
    .catch((error: unknown) => {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    })
  if (!verified || !expected.types.includes(verified.protectedHeader.typ)) return undefined
  const { exp, iat, ...claims } = verified.payload
  const meant = isMeant(claims.aud, expected)
  return meant && isTimely(exp, iat, expected.maxLifetime, now / 1_000) ? { ...verified.payload, exp } : undefined
}

function isMeant(aud: unknown, { audiences, alone }: Expectation): boolean {
  return audienceMatches(aud, audiences) && (!alone || parseAudience(aud)?.length === 1)
}

/** The leeway is for clocks that are ahead; it never stretches an expiry (docs/decisions/0009). All in seconds. */
function isTimely(exp: number | undefined, iat = 0, maxLifetime: number, now: number): exp is number {
  return exp !== undefined && exp > now && exp <= now + maxLifetime && iat <= now + leeway
}
