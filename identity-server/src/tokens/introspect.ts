/** Token introspection (RFC 7662). */
import { audienceMatches } from '@postern/protocol/audience'
import { tokenTypeOf } from '@postern/protocol/confirmation'
import type { TokenClaims } from '../claims/token-claims.ts'
import type { Client } from '../clients/clients.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { Database } from '../store/database.ts'
import type { AccessTokenClaims, AccessTokens, TokenIssuer } from './access-token.ts'
import { introspectRefreshToken, type RefreshTokenClaims } from './introspect-refresh-token.ts'
import { findPresentedGrant, type RefreshTokens } from './refresh-token.ts'

export type Introspection =
  | { active: false }
  | ({ active: true; token_type: 'Bearer' | 'DPoP' } & AccessTokenClaims)
  | ({ active: true } & RefreshTokenClaims)

const inactive: Introspection = { active: false }

export interface Introspector {
  db: Database
  refreshTokens: RefreshTokens
  accessTokens: AccessTokens
  clients: CachedLookup<Client>
  revocations: RevocationLog
  tokenClaims: TokenClaims
}

/**
 * What is to be said about the token to this caller (section 2.2). A caller that may not know hears that the token is
 * not active, as it would of an invalid one (section 4).
 * @param now ms since the epoch
 * @throws StoreError where it cannot be known whether the token is revoked; ClaimError
 */
export async function introspectToken(
  introspector: Introspector,
  issuer: TokenIssuer,
  caller: Client,
  token: string,
  now: number,
): Promise<Introspection> {
  const { accessTokens, clients, revocations, tokenClaims } = introspector
  const { authServer } = issuer
  const presented = await findPresentedGrant(introspector, authServer.id, token)
  if (presented) {
    const claims = await introspectRefreshToken(revocations, authServer, caller, presented, now)
    return claims ? { active: true, ...claims } : inactive
  }
  const claims = await accessTokens.verify(issuer, token, now)
  if (!claims || !mayKnow(caller, claims)) return inactive
  const client = await clients.get(authServer.id, claims.client_id)
  if (!client?.enabled) return inactive
  if (await revocations.isRevoked(authServer.id, claims)) return inactive
  const told = await tokenClaims.introspect({ authServer, client, now }, claims)
  return { active: true, token_type: tokenTypeOf(claims.cnf), ...told }
}

/** Its own tokens, those for the audiences that it stands for, or all. */
function mayKnow(caller: Client, claims: AccessTokenClaims): boolean {
  return (
    claims.client_id === caller.id ||
    caller.mayIntrospect ||
    audienceMatches(claims.aud, caller.settings.introspection_audiences ?? [])
  )
}
