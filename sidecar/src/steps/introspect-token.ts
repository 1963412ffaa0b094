/** Authentication of opaque tokens by introspection (RFC 7662), with the checks that its answer needs. */
import { audienceMatches } from '@postern/protocol/audience'
import { Refusal } from '../failures.ts'
import type { Introspect } from '../remote/introspection.ts'
import type { Authenticate } from './identity.ts'
import { revocableClaims } from './revocation.ts'

export interface IntrospectTokenOptions {
  /** Name of the issuer in the configuration. */
  name: string
  issuer: string
  audience: readonly string[]
  /** Seconds that an answer may be relied on. */
  cacheTtl: number
  /** Whether the issuer's revocations are subscribed to, so that tokens must be revocable. */
  revocable: boolean
  introspect: Introspect
  /** ms since the epoch */
  now: () => number
}

/**
 * Longer tokens are not asked about. A server that refuses a large body would look broken, and whoever sends large tokens
 * could keep the breaker open for everybody.
 */
const maxTokenLength = 8_192

export function createIntrospectToken(options: IntrospectTokenOptions): Authenticate {
  const { name, issuer, audience, cacheTtl, introspect, now } = options
  return async (token) => {
    if (token.length > maxTokenLength) throw new Refusal('invalid_token', 'the token is too long')
    const asked = now()
    const claims = await introspect(token)
    if (!claims) throw new Refusal('invalid_token', 'the token is not active')
    refuseWhereOthersAreMeant(claims, issuer, audience)
    refuseOtherTypes(claims)
    refuseOutsideItsTime(claims, asked)
    const { exp } = claims
    const expiresAt = typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY
    return {
      issuer: name,
      claims,
      revocable: options.revocable ? revocableClaims(claims) : undefined,
      expiresAt,
      holdsUntil: Math.min(expiresAt, asked + cacheTtl * 1_000),
    }
  }
}

type Claims = Readonly<Record<string, unknown>>

function refuseWhereOthersAreMeant({ iss, aud }: Claims, issuer: string, audience: readonly string[]): void {
  if (iss !== undefined && iss !== issuer) throw new Refusal('invalid_token', 'the issuer is not trusted')
  if (!audienceMatches(aud, audience)) throw new Refusal('invalid_token', 'the audience is not accepted')
}

/** A token of type DPoP whose key nobody names would be taken for a Bearer token (RFC 9449 section 6.2). */
function refuseOtherTypes({ token_type, cnf }: Claims): void {
  const type = token_type === undefined ? 'bearer' : String(token_type).toLowerCase()
  const bound = typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'jkt')
  if (type !== 'bearer' && !(type === 'dpop' && bound)) {
    throw new Refusal('invalid_token', 'the type of the token is not accepted')
  }
}

/** @param now ms since the epoch */
function refuseOutsideItsTime({ exp, nbf }: Claims, now: number): void {
  if (exp !== undefined && (typeof exp !== 'number' || exp * 1_000 <= now)) {
    throw new Refusal('invalid_token', 'the token has expired')
  }
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf * 1_000 > now)) {
    throw new Refusal('invalid_token', 'the token is not valid yet', true)
  }
}
