/**
 * The grants. To add one: a file beside these and a line in each of the two lists here; metadata, the admin API's
 * validation and the token endpoint follow from them.
 */
import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'

export const grantTypes = ['client_credentials'] as const

export function createGrants(): Grant[] {
  return [clientCredentials]
}
