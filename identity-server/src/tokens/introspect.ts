/** Token introspection (RFC 7662). */
import { audienceMatches } from '@postern/protocol/audience'
import { tokenTypeOf } from '@postern/protocol/confirmation'
import type { Client } from '../clients/clients.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AccessTokenClaims, AccessTokens, TokenIssuer } from './access-token.ts'

export type Introspection = { active: false } | ({ active: true; token_type: 'Bearer' | 'DPoP' } & AccessTokenClaims)

const inactive: Introspection = { active: false }

export interface Introspector {
  accessTokens: AccessTokens
  clients: CachedLookup<Client>
  revocations: RevocationLog
}

/**
 * What is to be said about the token to this caller (section 2.2). A caller that may not know hears that the token is
 * not active, as it would of an invalid one (section 4).
 * @param now ms since the epoch
 * @throws StoreError where it cannot be known whether the token is revoked
 */
export async function introspectToken(
  { accessTokens, clients, revocations }: Introspector,
  issuer: TokenIssuer,
  caller: Client,
  token: string,
  now: number,
): Promise<Introspection> {
  const claims = await accessTokens.verify(issuer, token, now)
  if (!claims || !mayKnow(caller, claims)) return inactive
  const client = await clients.get(issuer.authServer.id, claims.client_id)
  if (!client?.enabled) return inactive
  if (await revocations.isRevoked(issuer.authServer.id, claims)) return inactive
  return { active: true, token_type: tokenTypeOf(claims.cnf), ...claims }
}

/** Its own tokens, those for the audiences that it stands for, or all. */
function mayKnow(caller: Client, claims: AccessTokenClaims): boolean {
  return (
    claims.client_id === caller.id ||
    caller.mayIntrospect ||
    audienceMatches(claims.aud, caller.settings.introspection_audiences ?? [])
  )
}
