/** Introspection of refresh tokens (RFC 7662 section 2.1). */
import type { AuthorizationDetail } from '@postern/protocol/authorization-details'
import { formatScope } from '@postern/protocol/scope'
import type { Client } from '../clients/clients.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { GrantRow } from '../store/grants.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { parseGranted } from './granted.ts'
import { refreshLifetimes, refreshTokenEnd } from './refresh-lifetimes.ts'
import type { PresentedGrant } from './refresh-token.ts'

/** No `token_type` and no `aud`: nobody who takes access tokens can take it for one. */
export interface RefreshTokenClaims {
  iss: string
  sub: string
  client_id: string
  scope?: string
  authorization_details?: AuthorizationDetail[]
  /** When the grant began. */
  iat: number
  /** When the token can no longer be used. */
  exp: number
  grant_id: string
}

/**
 * What a refresh token is good for. Only its own client learns of it: nobody else has a use for it.
 * @param now ms since the epoch
 * @returns undefined where it cannot be used, or not by this client. To ask about a used one is no use of it
 * @throws StoreError where it cannot be known whether it is revoked
 */
export async function introspectRefreshToken(
  revocations: Pick<RevocationLog, 'isRevoked'>,
  authServer: AuthServer,
  caller: Client,
  { grant, isCurrent }: PresentedGrant,
  now: number,
): Promise<RefreshTokenClaims | undefined> {
  if (!isCurrent || grant.client_id !== caller.id) return undefined
  const end = refreshTokenEnd(grant, refreshLifetimes(authServer, caller))
  if (now >= end || (await isGrantRevoked(revocations, authServer, grant))) return undefined
  const { scopes, authorization_details } = parseGranted(grant.granted)
  return {
    iss: authServer.issuer,
    sub: grant.subject,
    client_id: grant.client_id,
    ...(scopes.length > 0 && { scope: formatScope(scopes) }),
    ...(authorization_details.length > 0 && { authorization_details }),
    iat: Math.floor(grant.created_at.getTime() / 1_000),
    exp: Math.floor(end / 1_000),
    grant_id: grant.id,
  }
}

/** Revoking also deletes what is revoked; this is for what was stored at the same time. @throws StoreError */
export async function isGrantRevoked(
  revocations: Pick<RevocationLog, 'isRevoked'>,
  authServer: AuthServer,
  { id: grant_id, client_id, subject: sub, created_at }: GrantRow,
): Promise<boolean> {
  const iat = Math.floor(created_at.getTime() / 1_000)
  return revocations.isRevoked(authServer.id, { grant_id, client_id, sub, iat })
}
