/** `client_secret_basic` (RFC 6749 section 2.3.1). */
import { formatBasicCredentials } from '@postern/protocol/basic-credentials'
import type { Secret } from '../../config/changing-secret.ts'
import type { ClientAuthMethod } from './method.ts'

export function clientSecretBasic(clientId: string, secret: Secret<string>): ClientAuthMethod {
  return {
    credentials: () => ({
      headers: { authorization: formatBasicCredentials(clientId, secret.current()) },
      parameters: {},
    }),
    secret,
  }
}
