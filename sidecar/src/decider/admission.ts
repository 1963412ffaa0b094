/** From an identity to the decision that lets its requests through. */
import type { Confirmation } from '@postern/protocol/confirmation'
import type { Allow, DecisionRequest } from '@postern/protocol/decision'
import type { TokenSource } from '../remote/upstream-tokens/upstream-tokens.ts'
import type { GatewayClaims } from '../steps/gateway-claims.ts'
import type { HeaderPlan } from '../steps/headers.ts'
import type { Identity } from '../steps/identity.ts'
import type { IdentityTokens } from '../steps/identity-token.ts'
import { otherCookies } from '../steps/token-sources/cookie.ts'
import type { Verified } from './outcome-cache.ts'

export interface Admission {
  /**
   * @param now ms since the epoch
   * @param upstreamTokens of the caller; undefined where there is no upstream
   */
  verified(
    identity: Identity,
    confirmation: Confirmation | undefined,
    now: number,
    upstreamTokens: TokenSource | undefined,
  ): Verified
  /** Makes the decision anew, with an identity token that lives longer. */
  renew(verified: Verified, now: number): void
  /** The decision, to be acted on until then at most; but long enough to reach the gateway. @param until ms since the epoch */
  within(allow: Allow, until: number, now: number): Allow
  /** The decision for a request without a token. */
  anonymous(now: number): Allow
  /** What is different for each request; undefined where nothing is. */
  readonly finish: ((allow: Allow, request: DecisionRequest) => Allow) | undefined
}

export interface AdmissionOptions {
  headers: HeaderPlan
  identityTokens: IdentityTokens | undefined
  /** Undefined where the gateway is told nothing. */
  gatewayClaims: GatewayClaims | undefined
  /** Cookies that the upstream is not to see; empty: cookies are left alone. */
  removedCookies: ReadonlySet<string>
  /** Whether later steps ask for the claims. */
  keepsClaims: boolean
  /** Longest time for which anybody keeps a decision, in ms. */
  maxAgeMs: number
}

/** Shared by all tokens that no requirement is asked about. */
const noAnswers: Verified['answers'] = []

/** For the way to the gateway: what is not kept here is still acted on there, a moment later. */
const transitMs = 1_000
/** A gateway that keeps decisions asks again about anonymous requests after this. */
const anonymousMs = 60_000

export function createAdmission(options: AdmissionOptions): Admission {
  const { headers, identityTokens, gatewayClaims, removedCookies, maxAgeMs } = options
  const keepsClaims = options.keepsClaims || identityTokens !== undefined || gatewayClaims !== undefined
  const remove = removedCookies.size > 0 ? [...headers.remove, 'cookie'] : [...headers.remove]

  /** Nobody keeps the decision longer than the cache of outcomes would, or than what it carries holds. */
  const allowOf = (identity: Identity, keptUntil: number, now: number): Pick<Verified, 'allow' | 'renewAt'> => {
    const { expiresAt } = identity
    const until = Math.min(expiresAt, Math.max(keptUntil, now + transitMs))
    const set = headers.identityHeaders(identity)
    const claims = gatewayClaims?.(identity)
    if (!identityTokens) return { allow: allow(remove, set, until, claims), renewAt: Number.POSITIVE_INFINITY }
    const minted = identityTokens.mint(identity, now)
    set[identityTokens.header] = minted.jwt
    return { allow: allow(remove, set, Math.min(until, minted.expiresAt), claims), renewAt: minted.renewAt }
  }

  return {
    verified(identity, confirmation, now, upstreamTokens) {
      const { issuer, revocable, expiresAt, holdsUntil } = identity
      return {
        issuer,
        revocable,
        confirmation,
        inForceAt: 0,
        identity: keepsClaims ? identity : undefined,
        expiresAt,
        holdsUntil,
        answers: keepsClaims ? [] : noAnswers,
        upstreamTokens,
        combined: undefined,
        ...allowOf(identity, Math.min(holdsUntil, now + maxAgeMs), now),
      }
    },
    renew(verified, now) {
      if (!verified.identity) return
      Object.assign(verified, allowOf(verified.identity, Math.min(verified.holdsUntil, now + maxAgeMs), now))
      verified.combined = undefined
    },
    within(decision, until, now) {
      const seconds = Math.max(until, now + transitMs) / 1_000
      return seconds < decision.expires_at ? { ...decision, expires_at: seconds } : decision
    },
    anonymous: (now) => allow(remove, {}, now + anonymousMs),
    finish: removedCookies.size > 0 ? (decision, request) => withCookies(decision, request, removedCookies) : undefined,
  }
}

function allow(remove: string[], set: Record<string, string>, until: number, claims?: Allow['claims']): Allow {
  const common = { decision: 'allow' as const, remove_headers: remove, set_headers: set, expires_at: until / 1_000 }
  return claims ? { ...common, claims } : common
}

function withCookies(decision: Allow, request: DecisionRequest, removed: ReadonlySet<string>): Allow {
  const cookie = otherCookies(request, removed)
  return cookie === '' ? decision : { ...decision, set_headers: { ...decision.set_headers, cookie } }
}
