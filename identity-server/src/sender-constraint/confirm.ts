/**
 * What tokens of a client are bound to: the key of its DPoP proof, its certificate, or both where it shows both. Where
 * the client or its tenant must bind them, a request that shows nothing to bind to is refused.
 */
import type { Confirmation } from '@postern/protocol/confirmation'
import { OAuthError } from '@postern/protocol/oauth-error'
import type { Client } from '../clients/clients.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { DpopVerifier } from './dpop.ts'
import type { SenderEvidence } from './evidence.ts'

/**
 * @param now ms since the epoch
 * @returns the `cnf` of the tokens; undefined: they are bound to nothing
 * @throws OAuthError `invalid_dpop_proof`, `use_dpop_nonce`; `invalid_request` where a certificate is missing; StoreError
 */
export async function confirmSender(
  dpop: DpopVerifier,
  { authServer, client }: { authServer: AuthServer; client: Client },
  evidence: SenderEvidence,
  now: number,
): Promise<Confirmation | undefined> {
  const { dpop_bound_access_tokens, tls_client_certificate_bound_access_tokens } = client.settings
  const required = authServer.limits.sender_constraint
  const needsProof = dpop_bound_access_tokens || required === 'dpop'
  const needsCertificate = tls_client_certificate_bound_access_tokens || required === 'mtls'
  const usesProof = needsProof || evidence.proofs.length > 0
  const usesCertificate = needsCertificate || (required === 'any' && !usesProof)

  const certificate = usesCertificate ? evidence.certificate : undefined
  // Before the proof, which is used up by being looked at.
  if (usesCertificate && !certificate) {
    throw new OAuthError(
      'invalid_request',
      `${needsCertificate ? '' : 'a DPoP proof or '}a client certificate is required`,
    )
  }
  const jkt = usesProof ? await dpop.verify(authServer, evidence, now) : undefined
  if (jkt === undefined && !certificate) return undefined
  return {
    ...(jkt !== undefined && { jkt }),
    ...(certificate && { 'x5t#S256': certificate.thumbprint }),
  }
}
