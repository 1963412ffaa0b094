/** The client authentication methods. To add one: a file beside these, a line here, and its name in the schema. */
import type { Secret } from '../../config/changing-secret.ts'
import type { ClientAuthMethodName } from '../../config/schema/client-auth.ts'
import type { SigningKey } from '../signing/signing-key.ts'
import { clientAssertion } from './assertion.ts'
import { clientIdAlone } from './client-id.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import type { ClientAuthMethod } from './method.ts'

/** What methods are made of; each asks for what it needs, and the checks of the configuration see to it that it is there. */
export interface ClientAuthParts {
  clientId: string
  secret(): Secret<string>
  /** The secret as the key of an HMAC. */
  sharedKey(): Secret<SigningKey>
  privateKey(): Secret<SigningKey>
  assertion: { audience: string; lifetime: number }
  /** ms since the epoch */
  now: () => number
}

export const methods: Readonly<Record<ClientAuthMethodName, (parts: ClientAuthParts) => ClientAuthMethod>> = {
  client_secret_basic: ({ clientId, secret }) => clientSecretBasic(clientId, secret()),
  client_secret_post: ({ clientId, secret }) => clientSecretPost(clientId, secret()),
  client_secret_jwt: ({ clientId, sharedKey, assertion, now }) =>
    clientAssertion({ clientId, key: sharedKey(), ...assertion, now }),
  private_key_jwt: ({ clientId, privateKey, assertion, now }) =>
    clientAssertion({ clientId, key: privateKey(), ...assertion, now }),
  tls_client_auth: ({ clientId }) => clientIdAlone(clientId),
  self_signed_tls_client_auth: ({ clientId }) => clientIdAlone(clientId),
  none: ({ clientId }) => clientIdAlone(clientId),
}
