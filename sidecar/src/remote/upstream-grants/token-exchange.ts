/** Token exchange (RFC 8693): a token for the upstream on behalf of the caller, on the word of the caller's own token. */
import { sha256 } from '../sha256.ts'
import type { UpstreamTokens } from '../upstream-tokens/upstream-tokens.ts'
import type { CallerGrant } from './grant.ts'

export interface TokenExchangeOptions {
  subjectTokenType: string
  requestedTokenType: string | undefined
  /** Tokens of the client, where it acts for the caller by one. */
  actorTokens: Pick<UpstreamTokens, 'get' | 'doubt'> | undefined
  maxCallers: number
}

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

export function tokenExchange(options: TokenExchangeOptions): CallerGrant {
  const { subjectTokenType, requestedTokenType, actorTokens, maxCallers } = options
  return {
    of: 'caller',
    maxCallers,
    askFor: ({ token, expiresAt }) => ({
      key: sha256(token),
      // What was exchanged for it must not outlive it, whatever the issuer says.
      notAfter: expiresAt,
      // Which of the two tokens was not accepted is not told (section 2.2.2).
      refused: () => actorTokens?.doubt(),
      async parameters() {
        const actor = await actorTokens?.get()
        return Object.entries({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: token,
          subject_token_type: subjectTokenType,
          ...(requestedTokenType !== undefined && { requested_token_type: requestedTokenType }),
          ...(actor && { actor_token: actor.accessToken, actor_token_type: accessTokenType }),
        })
      },
    }),
  }
}
