/** What a revocation feed has told: Security Event Tokens (RFC 8417), believed only if the issuer signed them for the feed. */
import { audienceMatches } from '@postern/protocol/audience'
import { createRevokedTokens, type RevocableClaims, type Revocation } from '@postern/protocol/revocation'
import { parseRevocation } from '@postern/protocol/revocation-event'
import { feedAudience, securityEventType } from '@postern/protocol/security-event'
import { DependencyError } from '../../failures.ts'
import type { VerifyIssuerJwt } from '../jwt/issuer-jwt.ts'
import { receiveJwt } from '../jwt/received-jwt.ts'

export interface EventTrust {
  /** Of the feed, for messages. */
  name: string
  issuer: string
  clientId: string
  verify: VerifyIssuerJwt
  /** Beyond this, revocations cannot be remembered, and forgetting one would let a revoked token pass. */
  maxRevocations?: number
  /** ms since the epoch */
  now: () => number
}

export interface ReceivedRevocations {
  cover(claims: RevocableClaims): boolean
  /** Another number whenever more is revoked than before; the first is 1. */
  state(): number
  /** Lets what can be believed take effect. */
  receive(sets: readonly string[]): Promise<Receipt>
  /** Whether there were more than can be remembered, and some may be missing. */
  overfull(): boolean
  /** Whether the clock was set back, so that something is in force again that was forgotten. */
  mayLack(): boolean
  /** To be called before all of the stream is received anew. */
  startOver(): void
}

export interface Receipt {
  /** Why events could not be believed. */
  failures: unknown[]
  /** How many are genuine, but of a type that is not known here. */
  unknown: number
  /** Of those that are new: ms from their making, whose second is told, to their taking effect. */
  lags: number[]
}

/** Tokens are accepted a little past their expiry where clocks differ, so revocations are kept a little longer. */
const keptPastExpiryMs = 120_000
const forgetEveryMs = 10_000

export function createReceivedRevocations(trust: EventTrust): ReceivedRevocations {
  const { name, maxRevocations = 1_000_000, now } = trust
  const revoked = createRevokedTokens()
  let forgottenAt = now()
  /** What expired before is forgotten: ms since the epoch. */
  let forgottenBefore = Number.NEGATIVE_INFINITY
  let state = 1

  const forgetExpired = () => {
    if (Math.abs(now() - forgottenAt) < forgetEveryMs) return
    forgottenAt = now()
    forgottenBefore = Math.max(forgottenBefore, forgottenAt - keptPastExpiryMs)
    revoked.forgetExpired(forgottenBefore / 1_000)
  }

  const apply = ({ kid, madeAt, revocation }: GenuineEvent, receipt: Receipt) => {
    if (revoked.cover({ kid })) {
      receipt.failures.push(new DependencyError(name, 'an event is signed by a revoked key'))
    } else if (revocation === 'unknown') {
      receipt.unknown += 1
    } else {
      const known = revoked.add(revocation)
      if (!known && madeAt !== undefined) receipt.lags.push(Math.max(0, now() - madeAt))
      state += 1
    }
  }

  return {
    cover: revoked.cover,
    state: () => state,
    async receive(sets) {
      const receipt: Receipt = { failures: [], unknown: 0, lags: [] }
      const events = await Promise.allSettled(sets.map((set) => readEvent(set, trust)))
      for (const event of events) {
        if (event.status === 'rejected') receipt.failures.push(event.reason)
        else apply(event.value, receipt)
      }
      forgetExpired()
      return receipt
    },
    overfull: () => revoked.size > maxRevocations,
    mayLack: () => now() < forgottenBefore,
    startOver() {
      forgottenBefore = Number.NEGATIVE_INFINITY
    },
  }
}

interface GenuineEvent {
  /** Of the key that signed it. */
  kid: string | undefined
  /** ms since the epoch */
  madeAt: number | undefined
  revocation: Revocation | 'unknown'
}

/** @throws Error where it cannot be believed */
async function readEvent(set: string, { name, issuer, clientId, verify }: EventTrust): Promise<GenuineEvent> {
  const jwt = receiveJwt(set)
  if (!jwt) throw new DependencyError(name, 'an event is no JWT')
  const claims = await verify(jwt, [securityEventType])
  // OAuth Event Types would have the reader's client_id here; the feed's own name serves all of its readers at once.
  if (!audienceMatches(claims.aud, [feedAudience(issuer), clientId])) {
    throw new DependencyError(name, 'an event is for another receiver')
  }
  const revocation = parseRevocation(claims, issuer)
  if (revocation === 'malformed') throw new DependencyError(name, 'an event is malformed, or of another issuer')
  const { kid } = jwt.header
  const madeAt = typeof claims.iat === 'number' ? claims.iat * 1_000 : undefined
  return { kid: typeof kid === 'string' ? kid : undefined, madeAt, revocation }
}
