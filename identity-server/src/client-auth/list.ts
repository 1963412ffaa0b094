/**
 * The client authentication methods. To add one: a file beside these and a line in each of the two lists here; metadata,
 * the admin API's validation and the endpoints follow from them.
 */
import type { SecretProof } from './client-secret.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import type { ClientAuthMethod } from './method.ts'
import { none } from './none.ts'

export const clientAuthMethodNames = ['client_secret_basic', 'client_secret_post', 'none'] as const

/** Those of a client that names none. */
export const defaultClientAuthMethods = ['client_secret_basic', 'client_secret_post'] as const

export interface ClientAuthDeps {
  proof: SecretProof
}

export function clientAuthMethods({ proof }: ClientAuthDeps): ClientAuthMethod[] {
  return [clientSecretBasic(proof), clientSecretPost(proof), none]
}
