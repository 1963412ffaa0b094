/** What introspection (RFC 7662) yields: who an opaque token stands for, and whether a JWT still holds. */
import { audienceMatches } from '@postern/protocol/audience'
import { DependencyError, Refusal } from '../failures.ts'
import type { IntrospectionAnswer, IntrospectionAnswers } from '../remote/introspection/answers.ts'
import type { Claims } from '../remote/jwt/issuer-jwt.ts'
import type { Identity } from './identity.ts'
import { revocableClaims } from './revocation.ts'
import { namesKey } from './sender-constraint/confirmation.ts'

export interface TokenIntrospection {
  /**
   * @param staleForMs how long an answer is relied on where there is no other, after it has ceased to be fresh
   * @param kid of the key that a JWT names, which can be revoked as well
   */
  identify(token: string, staleForMs: number, kid?: string): Promise<Identity>
  /** As `identify`, of a JWT that was found genuine. */
  confirm(token: string, verified: Identity, staleForMs: number): Promise<Identity>
}

export interface IntrospectTokenOptions {
  /** Name of the issuer in the configuration. */
  name: string
  issuer: string
  audience: readonly string[]
  /** How long an answer that says that a token is active may be relied on. */
  freshMs: number
  /** Whether the issuer's revocations are subscribed to, so that tokens must be revocable. */
  revocable: boolean
  answers: IntrospectionAnswers
  /** ms since the epoch */
  now: () => number
}

/**
 * Longer tokens are not asked about. A server that refuses a large body would look broken, and whoever sends large tokens
 * could keep the breaker open for everybody.
 */
const maxTokenLength = 8_192
/** How long a stale answer serves before the issuer is asked again. */
const staleHoldsMs = 1_000

interface UsableAnswer extends Pick<IntrospectionAnswer, 'claims'> {
  /** ms since the epoch until which it may be relied on */
  until: number
}

export function createIntrospectToken(options: IntrospectTokenOptions): TokenIntrospection {
  const { name, issuer, audience, freshMs, answers, now } = options

  const freshAnswer = async (token: string): Promise<UsableAnswer> => {
    const { claims, askedAt } = await answers.get(token)
    return { claims, until: askedAt + freshMs }
  }

  /** The last answer in the place of one that cannot be had, where it still may serve. */
  const insteadOf = (error: unknown, token: string, staleForMs: number): UsableAnswer => {
    const last = staleForMs > 0 && error instanceof DependencyError ? answers.last(token) : undefined
    const serveMs = freshMs + staleForMs
    if (!last?.claims || Math.abs(now() - last.askedAt) >= serveMs) throw error
    return { claims: last.claims, until: Math.min(now() + staleHoldsMs, last.askedAt + serveMs) }
  }

  const introspect = async (token: string, staleForMs: number) => {
    if (token.length > maxTokenLength) throw new Refusal('invalid_token', 'the token is too long')
    const { claims, until } = await freshAnswer(token).catch((error: unknown) => insteadOf(error, token, staleForMs))
    // How long this is remembered is a matter of the answers.
    if (!claims) throw new Refusal('invalid_token', 'the token is not active', true)
    refuseWhereOthersAreMeant(claims, issuer, audience)
    refuseOtherTypes(claims)
    const expiresAt = expiryOf(claims, now())
    return { claims, expiresAt, holdsUntil: Math.min(expiresAt, until) }
  }

  return {
    async identify(token, staleForMs, kid) {
      const introspected = await introspect(token, staleForMs)
      const revocable = options.revocable ? revocableClaims(introspected.claims, kid) : undefined
      return { issuer: name, revocable, ...introspected }
    },
    async confirm(token, verified, staleForMs) {
      const { claims, expiresAt, holdsUntil } = await introspect(token, staleForMs)
      refuseWhereAnotherIsMeant(verified.claims, claims)
      return {
        ...verified,
        // What is signed counts, but what the token is good for may have become less.
        claims: { ...claims, ...verified.claims, ...(claims.scope !== undefined && { scope: claims.scope }) },
        expiresAt: Math.min(verified.expiresAt, expiresAt),
        holdsUntil: Math.min(verified.holdsUntil, holdsUntil),
      }
    },
  }
}

function refuseWhereOthersAreMeant({ iss, aud }: Claims, issuer: string, audience: readonly string[]): void {
  if (iss !== undefined && iss !== issuer) throw new Refusal('invalid_token', 'the issuer is not trusted')
  if (!audienceMatches(aud, audience)) throw new Refusal('invalid_token', 'the audience is not accepted')
}

/** A refresh token is active as well: Ory Hydra tells it from an access token by `token_use`. */
function refuseOtherTypes(claims: Claims): void {
  const { token_type, token_use: use } = claims
  const type = token_type === undefined ? 'bearer' : String(token_type).toLowerCase()
  const isAccessToken = use === undefined || use === 'access_token' || use === 'access'
  if (!isAccessToken || (type !== 'bearer' && !(type === 'dpop' && namesKey(claims)))) {
    throw new Refusal('invalid_token', 'the type of the token is not accepted')
  }
}

/** An answer about another token than the one that was asked about would pass it off as that. */
function refuseWhereAnotherIsMeant(verified: Claims, introspected: Claims): void {
  for (const name of ['jti', 'sub', 'client_id']) {
    const [signed, told] = [verified[name], introspected[name]]
    if (signed !== undefined && told !== undefined && signed !== told) {
      throw new Refusal('invalid_token', 'the issuer says something else of the token')
    }
  }
}

/** @param now ms since the epoch @returns ms since the epoch; Infinity where it is not told */
function expiryOf({ exp, nbf }: Claims, now: number): number {
  if (exp !== undefined && (typeof exp !== 'number' || exp * 1_000 <= now)) {
    throw new Refusal('invalid_token', 'the token has expired')
  }
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf * 1_000 > now)) {
    throw new Refusal('invalid_token', 'the token is not valid yet', true)
  }
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1_000
}
