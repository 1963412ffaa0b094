import { OAuthError } from '@postern/protocol/oauth-error'
import { claimBySecret, type SecretProof } from './client-secret.ts'
import type { ClientAuthMethod } from './method.ts'

/** The client secret as a parameter of the body (RFC 6749 section 2.3.1). */
export function clientSecretPost(proof: SecretProof): ClientAuthMethod {
  return {
    name: 'client_secret_post',
    implicit: false,
    read({ form }) {
      const secret = form.get('client_secret')
      if (secret === undefined) return undefined
      const clientId = form.get('client_id')
      if (clientId === undefined) throw new OAuthError('invalid_request', 'client_secret without client_id')
      return claimBySecret(clientId, secret, proof)
    },
  }
}
