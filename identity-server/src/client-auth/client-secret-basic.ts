import { parseBasicCredentials } from '@postern/protocol/basic-credentials'
import { OAuthError } from '@postern/protocol/oauth-error'
import { claimBySecret, type SecretProof } from './client-secret.ts'
import type { ClientAuthMethod } from './method.ts'

/** HTTP Basic authentication with the client secret (RFC 6749 section 2.3.1). */
export function clientSecretBasic(proof: SecretProof): ClientAuthMethod {
  return {
    name: 'client_secret_basic',
    implicit: false,
    read({ authorization }) {
      if (authorization === undefined) return undefined
      const credentials = parseBasicCredentials(authorization)
      if (credentials === 'none') return undefined
      if (credentials === 'malformed') throw new OAuthError('invalid_client', 'malformed Basic credentials')
      return claimBySecret(credentials.clientId, credentials.clientSecret, proof)
    },
  }
}
