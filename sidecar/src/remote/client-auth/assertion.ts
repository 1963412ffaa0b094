/** `private_key_jwt` and `client_secret_jwt` (RFC 7523 section 2.2): a JWT for one use, signed by the client's key or secret. */
import type { Secret } from '../../config/changing-secret.ts'
import { signAssertion } from '../signing/signed-assertion.ts'
import type { SigningKey } from '../signing/signing-key.ts'
import type { ClientAuthMethod } from './method.ts'

export interface AssertionOptions {
  clientId: string
  key: Secret<SigningKey>
  /** The issuer identifier of the server. */
  audience: string
  /** Seconds. */
  lifetime: number
  /** ms since the epoch */
  now: () => number
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function clientAssertion({ clientId, key, audience, lifetime, now }: AssertionOptions): ClientAuthMethod {
  return {
    async credentials() {
      const claims = { issuer: clientId, subject: clientId, audience, lifetime }
      const assertion = await signAssertion(key.current(), claims, now())
      // The name stands in the assertion already; with it, servers need not look into what they have not verified.
      const parameters = { client_id: clientId, client_assertion_type: assertionType, client_assertion: assertion }
      return { headers: {}, parameters }
    },
    secret: key,
  }
}
