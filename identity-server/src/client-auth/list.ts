/**
 * The client authentication methods. To add one: a file beside these and a line here; metadata, the admin API's
 * validation and the endpoints follow from the list.
 */
import type { MasterKeys } from '../keys/master-keys.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import type { ClientAuthMethod } from './method.ts'

export const clientAuthMethodNames = ['client_secret_basic', 'client_secret_post'] as const

export function clientAuthMethods(masterKeys: MasterKeys, now: () => number): ClientAuthMethod[] {
  return [clientSecretBasic(masterKeys, now), clientSecretPost(masterKeys, now)]
}
