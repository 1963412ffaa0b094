/**
 * The client authentication methods. To add one: a file beside these and a line in each of the two lists here; metadata,
 * the admin API's validation and the endpoints follow from them.
 */
import type { KeysOf } from '../clients/keys.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import type { SecretProof } from './client-secret.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretJwt } from './client-secret-jwt.ts'
import { clientSecretPost } from './client-secret-post.ts'
import type { ClientAuthMethod } from './method.ts'
import { none } from './none.ts'
import { privateKeyJwt } from './private-key-jwt.ts'
import { selfSignedTlsClientAuth } from './self-signed-tls-client-auth.ts'
import { tlsClientAuth } from './tls-client-auth.ts'

export const clientAuthMethodNames = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const

/** Those that need a client certificate to be shown. */
export const certificateMethodNames: readonly string[] = ['tls_client_auth', 'self_signed_tls_client_auth']

/** Those of a client that names none. */
export const defaultClientAuthMethods = ['client_secret_basic', 'client_secret_post'] as const

export interface ClientAuthDeps {
  proof: SecretProof
  keysOf: KeysOf
  replay: ReplayGuard
}

export function clientAuthMethods({ proof, keysOf, replay }: ClientAuthDeps): ClientAuthMethod[] {
  return [
    clientSecretBasic(proof),
    clientSecretPost(proof),
    clientSecretJwt(proof, replay),
    privateKeyJwt(keysOf, replay, proof.now),
    tlsClientAuth(proof.now),
    selfSignedTlsClientAuth(keysOf, proof.now),
    none,
  ]
}
