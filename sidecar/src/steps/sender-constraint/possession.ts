/**
 * The step for tokens that are bound to a key: who presents one proves to hold it, with each request (RFC 9449 section 7,
 * RFC 8705 section 3). A token is verified once and kept; a proof is not.
 */
import type { Confirmation } from '@postern/protocol/confirmation'
import type { DecisionRequest } from '@postern/protocol/decision'
import { Refusal } from '../../failures.ts'
import type { PresentedToken } from '../token-sources/source.ts'
import type { ReadThumbprint } from './certificate.ts'
import type { VerifyProof } from './dpop-proof.ts'

/**
 * Checks that whoever sends a request holds what its token is bound to.
 * @throws Refusal `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`; DependencyError
 */
export type CheckPossession = (
  presented: PresentedToken,
  confirmation: Confirmation | undefined,
  request: DecisionRequest,
) => Promise<void>

export interface PossessionOptions {
  /** Undefined: no proof by DPoP is accepted. */
  verifyProof: VerifyProof | undefined
  /** Undefined: nothing says which certificate a client has. */
  readThumbprint: ReadThumbprint | undefined
}

export function createCheckPossession({ verifyProof, readThumbprint }: PossessionOptions): CheckPossession {
  return async ({ token, scheme }, confirmation = {}, request) => {
    const { jkt, 'x5t#S256': thumbprint } = confirmation
    if (thumbprint !== undefined) {
      if (!readThumbprint)
        throw new Refusal('invalid_token', 'the token is bound to a certificate, of which nothing is known')
      if (readThumbprint(request) !== thumbprint) {
        throw new Refusal('invalid_token', 'the token is bound to another certificate')
      }
    }
    // Neither without its proof, nor another token with one: a proof says nothing about a token that does not name its key.
    if ((jkt === undefined) === (scheme === 'DPoP')) {
      throw new Refusal('invalid_token', 'the token is for another authentication scheme')
    }
    if (jkt === undefined) return
    if (!verifyProof) throw new Refusal('invalid_token', 'the token is bound to a key, and no proof is accepted here')
    await verifyProof(request, token, jkt)
  }
}
