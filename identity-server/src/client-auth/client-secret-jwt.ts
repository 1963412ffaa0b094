import type { ReplayGuard } from '../replay/guard.ts'
import { type AssertionMethod, readAssertion } from './assertion.ts'
import type { SecretProof } from './client-secret.ts'
import type { ClientAuthMethod } from './method.ts'

/** The longer hashes would need longer keys than the secrets that are made here (RFC 7518 section 3.2). */
export const secretSigningAlgorithm = 'HS256'
const leastBytes = 32

/** An assertion authenticated with the client secret (OpenID Connect Core 1.0 section 9, RFC 7523). */
export function clientSecretJwt({ secrets, uses, now }: SecretProof, replay: ReplayGuard): ClientAuthMethod {
  const method: AssertionMethod = {
    isFor: (algorithm) => algorithm.startsWith('HS'),
    keysOf: (client, authServer) =>
      client.secrets.flatMap(({ id, encrypted, expiresAt = Number.POSITIVE_INFINITY }) => {
        if (!encrypted || now() >= expiresAt) return []
        const key = secrets.decrypt(encrypted, { authServer: authServer.id, client: client.id, secret: id })
        if (key.length < leastBytes) return []
        const used = () => uses.note(authServer.id, id, now())
        return [{ keys: { verify: (attempt) => attempt(async () => key) }, algorithms: [secretSigningAlgorithm], used }]
      }),
  }
  return {
    name: 'client_secret_jwt',
    implicit: false,
    read: (credentials) => readAssertion(credentials, method, replay, now),
  }
}
