/** What a token is under a policy, without a request: for those who decide the rest themselves. */
import { DependencyError, Refusal } from '../failures.ts'
import type { Authenticate, Identity } from '../steps/identity.ts'
import type { CheckRevocation } from '../steps/revocation.ts'

export type Inspection = { identity: Identity } | { refusal: Refusal }

/** @throws DependencyError where nothing is known about the token */
export type Inspect = (token: string) => Promise<Inspection>

export interface InspectOptions {
  authenticate: Authenticate
  checkRevocation: CheckRevocation
  /** ms since the epoch */
  now: () => number
}

export function createInspect({ authenticate, checkRevocation, now }: InspectOptions): Inspect {
  return async (token) => {
    try {
      const identity = await authenticate(token)
      if (now() >= identity.expiresAt) throw new Refusal('invalid_token', 'the token has expired')
      const revocation = checkRevocation({ ...identity, inForceAt: 0 })
      if (revocation === 'revoked') throw new Refusal('invalid_token', 'the token has been revoked')
      if (revocation === 'unknown') throw new DependencyError(identity.issuer, 'revocations are not known')
      return { identity }
    } catch (error) {
      if (error instanceof Refusal) return { refusal: error }
      throw error
    }
  }
}
