/** What the sender of a token request has proven to hold (RFC 9449, RFC 8705). */
import type { Confirmation } from '@postern/protocol/confirmation'
import { confirmSender } from '../sender-constraint/confirm.ts'
import type { DpopVerifier } from '../sender-constraint/dpop.ts'
import { evidenceOf } from '../sender-constraint/evidence.ts'
import type { Caller } from './caller.ts'
import type { FormReply, FormRequest } from './form-endpoint.ts'

/**
 * What the tokens of this request are bound to. Where proofs need a nonce, the answer will offer the current one, so that
 * a client always has one for its next request (RFC 9449 section 8.2).
 * @throws OAuthError, StoreError: see `confirmSender`
 */
export function confirmCaller(
  dpop: DpopVerifier,
  caller: Caller,
  request: FormRequest,
  reply: FormReply,
  now: number,
): Promise<Confirmation | undefined> {
  const nonce = dpop.nonceFor(caller.authServer, now)
  if (nonce !== undefined) reply.header('dpop-nonce', nonce)
  return confirmSender(dpop, caller, evidenceOf(request.raw, caller.certificate), now)
}
