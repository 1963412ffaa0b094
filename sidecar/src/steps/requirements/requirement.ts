/** What a policy or a rule demands of a token that was found genuine. */
import type { Deny } from '@postern/protocol/decision'
import type { Identity } from '../identity.ts'
import type { RequestFacts } from '../request-facts.ts'

export interface Requirement {
  readonly name: string
  /** Whether the answer depends on the token alone: it is then asked once for each token. */
  readonly ofToken: boolean
  /** @param now ms since the epoch */
  isMet(identity: Identity, request: RequestFacts, now: number): boolean
  /** ms since the epoch until which it stays met; undefined where time changes nothing. @param now ms since the epoch */
  readonly metUntil?: ((identity: Identity, now: number) => number) | undefined
  /** The answer to whom it is not met for. */
  readonly refusal: Deny
}

/** How a requirement words its refusal; the challenge is the policy's. */
export type Refuse = (
  error: 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication' | 'access_denied',
  description: string,
  parameters?: Readonly<Record<string, string>>,
) => Deny
