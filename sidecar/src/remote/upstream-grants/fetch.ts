/** From a grant to tokens: asks the endpoint, and once more where a grant that was refused has something new to ask with. */

import type { OwnGrant } from './grant.ts'
import { type Parameters, type RequestToken, TokenRefused } from './token-endpoint.ts'
import type { FetchedToken } from './token-response.ts'

/** @param target which kind of token: scope, audience, resource */
export function createFetchOwn(
  grant: OwnGrant,
  request: RequestToken,
  target: Parameters,
): () => Promise<FetchedToken> {
  const ask = async () => {
    const token = await request([...(await grant.parameters()), ...target])
    await grant.answered?.(token)
    return token
  }
  return () =>
    ask().catch((error: unknown) => {
      if (error instanceof TokenRefused && error.code === 'invalid_grant' && grant.renewed?.()) return ask()
      throw error
    })
}
