import type { KeysOf } from '../clients/keys.ts'
import { signingAlgorithms } from '../keys/algorithms.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import { type AssertionMethod, readAssertion } from './assertion.ts'
import type { ClientAuthMethod } from './method.ts'

/** An assertion signed with the client's own private key (OpenID Connect Core 1.0 section 9, RFC 7523). */
export function privateKeyJwt(keysOf: KeysOf, replay: ReplayGuard, now: () => number): ClientAuthMethod {
  const method: AssertionMethod = {
    isFor: (algorithm) => !algorithm.startsWith('HS'),
    keysOf(client) {
      const keys = keysOf(client)
      const { token_endpoint_auth_signing_alg: only } = client.settings
      return keys ? [{ keys, algorithms: only === undefined ? signingAlgorithms : [only] }] : []
    },
  }
  return {
    name: 'private_key_jwt',
    implicit: false,
    read: (credentials) => readAssertion(credentials, method, replay, now),
  }
}
