/** `client_secret_post` (RFC 6749 section 2.3.1), for servers that do not know better. */
import type { Secret } from '../../config/changing-secret.ts'
import type { ClientAuthMethod } from './method.ts'

export function clientSecretPost(clientId: string, secret: Secret<string>): ClientAuthMethod {
  return {
    credentials: () => ({ headers: {}, parameters: { client_id: clientId, client_secret: secret.current() } }),
    secret,
  }
}
