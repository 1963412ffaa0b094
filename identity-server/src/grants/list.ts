/**
 * The grants. To add one: a file beside these and a line in each of the two lists here; metadata, the admin API's
 * validation and the token endpoint follow from them.
 */
import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'
import type { LastingGrants } from './lasting.ts'
import { createRefreshTokenGrant } from './refresh-token.ts'

export const grantTypes = ['client_credentials', 'refresh_token'] as const

export function createGrants(lastingGrants: LastingGrants): Grant[] {
  return [clientCredentials, createRefreshTokenGrant(lastingGrants)]
}
