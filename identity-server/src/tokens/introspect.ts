/** Token introspection (RFC 7662). */
import type { Client } from '../clients/clients.ts'
import type { KeyRing } from '../keys/signing-keys.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { type AccessTokenClaims, verifyAccessToken } from './access-token.ts'

export type Introspection = { active: false } | ({ active: true; token_type: 'Bearer' } & AccessTokenClaims)

const inactive: Introspection = { active: false }

export interface Introspector {
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
  { clients, revocations }: Introspector,
  context: { authServer: AuthServer; keys: KeyRing; caller: Client },
  token: string,
  now: number,
): Promise<Introspection> {
  const { authServer, keys, caller } = context
  const claims = await verifyAccessToken(keys, authServer.issuer, token, now)
  if (!claims) return inactive
  if (claims.client_id !== caller.id && !caller.mayIntrospect) return inactive
  const client = await clients.get(authServer.id, claims.client_id)
  if (!client?.enabled) return inactive
  if (await revocations.isRevoked(authServer.id, claims.jti)) return inactive
  return { active: true, token_type: 'Bearer', ...claims }
}
