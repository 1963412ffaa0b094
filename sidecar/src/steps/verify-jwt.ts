/**
 * Verification of JWT access tokens with the issuer's keys: as RFC 9068 section 4 has it, or, for issuers that do not follow
 * it and are configured so, of plain JWTs.
 */
import { audienceMatches } from '@postern/protocol/audience'
import { Refusal } from '../failures.ts'
import { type Claims, notAccepted, type VerifyIssuerJwt } from '../remote/jwt/issuer-jwt.ts'
import { type ReceivedJwt, typeOf } from '../remote/jwt/received-jwt.ts'
import type { Identity } from './identity.ts'
import { revocableClaims } from './revocation.ts'
import { namesKey } from './sender-constraint/confirmation.ts'

export interface VerifyJwtOptions {
  /** Name of the issuer in the configuration. */
  name: string
  audience: readonly string[]
  /** Accepted types: `at+jwt` of RFC 9068, and `JWT`, which is that of every other kind as well. */
  types: readonly ('at+jwt' | 'JWT')[]
  /** Seconds, for `iat` and `nbf`. */
  leeway: number
  /** Whether the issuer's revocations are subscribed to, so that tokens must be revocable. */
  revocable: boolean
  verify: VerifyIssuerJwt
  /** ms since the epoch */
  now: () => number
}

/** @throws Refusal, DependencyError */
export type VerifyJwt = (jwt: ReceivedJwt) => Promise<Identity>

const accessTokenType = 'at+jwt'

export function createVerifyJwt(options: VerifyJwtOptions): VerifyJwt {
  const { name, audience, leeway, verify, now } = options
  // A plain JWT may leave its type out (RFC 7519 section 5.1).
  const types = options.types.flatMap((type) => (type === 'JWT' ? ['jwt', undefined] : [type]))

  return async (jwt) => {
    const expiresAt = checkTime(jwt.payload, now(), leeway)
    if (!audienceMatches(jwt.payload.aud, audience)) throw notAccepted('aud')
    if (typeOf(jwt) === accessTokenType) requireAccessTokenClaims(jwt.payload)
    else refuseOtherKinds(jwt.payload)
    const claims = await verify(jwt, types)
    const { kid } = jwt.header
    const revocable = options.revocable ? revocableClaims(claims, typeof kid === 'string' ? kid : '') : undefined
    return { issuer: name, claims, revocable, expiresAt, holdsUntil: expiresAt }
  }
}

/** The expiry is never stretched. @param now ms since the epoch @returns ms since the epoch of the expiry */
function checkTime({ exp, nbf, iat }: Claims, now: number, leeway: number): number {
  if (!isTime(exp)) throw notAccepted('exp')
  if (exp * 1_000 <= now) throw new Refusal('invalid_token', 'the token has expired')
  const latest = now / 1_000 + leeway
  // What is too early passes.
  if (nbf !== undefined && (!isTime(nbf) || nbf > latest)) {
    throw new Refusal('invalid_token', 'the claim nbf of the token is not accepted', isTime(nbf))
  }
  if (iat !== undefined && !isTime(iat)) throw notAccepted('iat')
  if (iat !== undefined && iat > latest) {
    throw new Refusal('invalid_token', 'the token was issued in the future', true)
  }
  return exp * 1_000
}

/** RFC 9068 section 2.2. */
function requireAccessTokenClaims(claims: Claims): void {
  for (const name of ['iat', 'sub', 'client_id']) if (claims[name] === undefined) throw notAccepted(name)
  if (!isText(claims.sub) || !isText(claims.client_id)) {
    throw new Refusal('invalid_token', 'a claim of the token is malformed')
  }
}

/** Of ID tokens (OpenID Connect Core 1.0 sections 2 and 3.3.2.11), and of security events (RFC 8417 section 2.2). */
const claimsOfOtherKinds = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection']

/**
 * A plain JWT does not say what kind it is. What has a claim of another kind is refused, and so is what says in the way of
 * Keycloak (`typ`) or Cognito (`token_use`) that it is no access token.
 */
function refuseOtherKinds(claims: Claims): void {
  const other = claimsOfOtherKinds.find((name) => claims[name] !== undefined)
  if (other !== undefined) throw notAccepted(other)
  const type = claims.typ === undefined ? 'bearer' : String(claims.typ).toLowerCase()
  if (type !== 'bearer' && !(type === 'dpop' && namesKey(claims))) throw notAccepted('typ')
  if (claims.token_use !== undefined && claims.token_use !== 'access') throw notAccepted('token_use')
  for (const name of ['sub', 'client_id']) {
    if (claims[name] !== undefined && !isText(claims[name])) {
      throw new Refusal('invalid_token', 'a claim of the token is malformed')
    }
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
