/** What authentication of a token yields, whichever way it went. */
import type { RevocableClaims } from '@postern/protocol/revocation'

export interface Identity {
  /** Name of the issuer in the configuration. */
  issuer: string
  claims: Readonly<Record<string, unknown>>
  /** What revocations know it by; undefined where the issuer's are not subscribed to. */
  revocable: RevocableClaims | undefined
  /** ms since the epoch of the token's expiry; Infinity where none is known. */
  expiresAt: number
  /** ms since the epoch until which it may be used again without asking: expiry, or an earlier bound. */
  holdsUntil: number
}

/** Establishes who the token stands for. @throws Refusal, DependencyError */
export type Authenticate = (token: string) => Promise<Identity>
