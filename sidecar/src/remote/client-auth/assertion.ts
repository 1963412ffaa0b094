/** `private_key_jwt` and `client_secret_jwt` (RFC 7523 section 2.2): a JWT for one use, signed by the client's key or secret. */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Secret } from '../../config/changing-secret.ts'
import type { SigningKey } from '../signing-key.ts'
import type { ClientAuthMethod } from './method.ts'

export interface AssertionOptions {
  clientId: string
  key: Secret<SigningKey>
  /** The issuer identifier of the server: one, so that no other server can use the assertion there. */
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
      const { key: privateKey, algorithm, kid } = key.current()
      const issuedAt = Math.floor(now() / 1_000)
      const assertion = await new SignJWT()
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(kid !== undefined && { kid }) })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(audience)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetime)
        .sign(privateKey)
      // The name stands in the assertion already; with it, servers need not look into what they have not verified.
      const parameters = { client_id: clientId, client_assertion_type: assertionType, client_assertion: assertion }
      return { headers: {}, parameters }
    },
    reread: key.reread,
  }
}
