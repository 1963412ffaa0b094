/** Tokens for callers that sidecars share: what one of them was given serves the others, as long as it is news to them. */
import Type, { type Static } from 'typebox'
import type { SecondLevel } from '../redis/second-level.ts'
import { sha256 } from '../sha256.ts'
import type { FetchForCaller } from './caller-tokens.ts'

export const SharedToken = Type.Object({
  accessToken: Type.String({ minLength: 1 }),
  /** ms since the epoch, by the clock of who was given it */
  expiresAt: Type.Number(),
  /** ms, as its issuer told it */
  lifetime: Type.Number({ exclusiveMinimum: 0 }),
})
export type SharedToken = Static<typeof SharedToken>

/** One that ends sooner is not worth taking over. */
const worthwhileMs = 10_000

/** @param now ms since the epoch */
export function shareTokens(
  fetch: FetchForCaller,
  secondLevel: SecondLevel<SharedToken>,
  now: () => number,
): FetchForCaller {
  return async (question, last) => {
    const shared = await secondLevel.get(question.key)
    // A clock that is ahead of ours does not make it live longer than it ever did.
    const remainingMs = shared ? Math.min(shared.expiresAt - now(), shared.lifetime) : 0
    // The last one is about to expire, or was refused.
    if (shared && remainingMs > worthwhileMs && sha256(shared.accessToken) !== last) {
      const { accessToken } = shared
      return { accessToken, scheme: 'Bearer', expiresIn: remainingMs / 1_000, refreshToken: undefined }
    }
    const begun = now()
    const token = await fetch(question, last)
    // One that is bound is bound to the key of this sidecar.
    if (token.scheme === 'Bearer') {
      const lifetime = token.expiresIn * 1_000
      const expiresAt = begun + lifetime
      const ttlMs = Math.min(expiresAt, question.notAfter) - now()
      secondLevel.set({ accessToken: token.accessToken, expiresAt, lifetime }, ttlMs, question.key)
    }
    return token
  }
}
