/**
 * Software statements (RFC 7591 section 2.3): what a trusted issuer says of a software, to whomever it may be registered
 * with. They come with every copy of the software and often neither expire nor name an audience, so they are judged by rules
 * of their own, and are kept apart from the short-lived JWTs that the same issuer may sign.
 */
import { audienceMatches } from '@postern/protocol/audience'
import type { JWTPayload } from 'jose'
import { leeway, type SignatureExpectation, verifySigned } from '../assertions/verify.ts'

export type StatementClaims = JWTPayload & { software_id: string }

export interface StatementExpectation extends Omit<SignatureExpectation, 'types'> {
  /** Where an audience is named, one of these is among them. */
  audiences: readonly string[]
  /** Seconds since `iat`. Undefined: it may be of any age, or not tell. */
  maxAge: number | undefined
}

/** None is registered for them. */
const types = [undefined, 'JWT']

/**
 * Whether that is what these claims are. Section 2.3 recommends `software_id`; here it is what tells a statement from the
 * other JWTs of an issuer, of which none may be taken for the other.
 */
export function isStatement<Claims extends JWTPayload>(claims: Claims): claims is Claims & { software_id: string } {
  return typeof claims.software_id === 'string' && claims.software_id !== ''
}

/**
 * @param now ms since the epoch
 * @returns undefined where it is not genuine, not timely, meant for others or no statement
 * @throws OutgoingError where the keys cannot be had
 */
export async function verifyStatement(
  statement: string,
  expected: StatementExpectation,
  now: number,
): Promise<StatementClaims | undefined> {
  const claims = await verifySigned(statement, { ...expected, types }, now)
  if (!claims || !isStatement(claims)) return undefined
  const isMeant = claims.aud === undefined || audienceMatches(claims.aud, expected.audiences)
  return isMeant && isTimely(claims, expected.maxAge, now / 1_000) ? claims : undefined
}

/** All in seconds. */
function isTimely({ exp, iat }: JWTPayload, maxAge: number | undefined, now: number): boolean {
  if (exp !== undefined && exp <= now) return false
  if (iat === undefined) return maxAge === undefined
  return iat <= now + leeway && (maxAge === undefined || now - iat <= maxAge)
}
