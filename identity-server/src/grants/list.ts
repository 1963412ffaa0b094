/**
 * The grants. To add one: a file beside these and a line in each of the two lists here; metadata, the admin API's
 * validation and the token endpoint follow from them.
 */
import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'
import { createJwtBearerGrant, type JwtBearerDeps } from './jwt-bearer.ts'
import { createRefreshTokenGrant, type RefreshTokenGrantDeps } from './refresh-token.ts'
import type { SecurityTokenDeps } from './subject-token.ts'
import { createTokenExchangeGrant } from './token-exchange.ts'

export const grantTypes = [
  'client_credentials',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:token-exchange',
] as const

export type GrantDeps = JwtBearerDeps & SecurityTokenDeps & RefreshTokenGrantDeps

export function createGrants(deps: GrantDeps): Grant[] {
  return [clientCredentials, createRefreshTokenGrant(deps), createJwtBearerGrant(deps), createTokenExchangeGrant(deps)]
}
