/** Tokens that are bound to a key are of use with that key alone (RFC 9449 section 7.1, RFC 8705 section 3). */
import type { Confirmation } from '@postern/protocol/confirmation'
import { OAuthError } from '@postern/protocol/oauth-error'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { DpopVerifier } from './dpop.ts'
import type { SenderEvidence } from './evidence.ts'

export interface PresentedToken {
  token: string
  scheme: 'Bearer' | 'DPoP'
  /** The `cnf` of the token. */
  confirmation: Confirmation | undefined
}

/**
 * Checks that the sender of a request has what its access token is bound to. Looks at nothing else of the token.
 * @param now ms since the epoch
 * @throws OAuthError `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`; StoreError
 */
export async function checkPossession(
  dpop: DpopVerifier,
  authServer: AuthServer,
  { token, scheme, confirmation = {} }: PresentedToken,
  evidence: SenderEvidence,
  now: number,
): Promise<void> {
  const { jkt, 'x5t#S256': thumbprint } = confirmation
  if (thumbprint !== undefined && evidence.certificate?.thumbprint !== thumbprint) {
    throw new OAuthError('invalid_token', 'the access token is bound to another certificate')
  }
  // Neither without its proof, nor another token with one: a proof says nothing about a token that does not name its key.
  if ((jkt === undefined) === (scheme === 'DPoP')) {
    throw new OAuthError('invalid_token', 'the access token is for another authentication scheme')
  }
  if (jkt !== undefined && (await dpop.verify(authServer, evidence, now, token)) !== jkt) {
    throw new OAuthError('invalid_token', 'the access token is bound to another key')
  }
}
