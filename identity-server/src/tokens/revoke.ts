/** Token revocation (RFC 7009): what is revoked is remembered until the token would have expired. */
import { OAuthError } from '@postern/protocol/oauth-error'
import type { Client } from '../clients/clients.ts'
import type { EventRecorder } from '../events/recorder.ts'
import { grantRevoked } from '../revocations/events.ts'
import { endGrant, revokeAccessToken } from '../revocations/revoke.ts'
import type { Database } from '../store/database.ts'
import type { AccessTokens, TokenIssuer } from './access-token.ts'
import { findPresentedGrant, type RefreshTokens } from './refresh-token.ts'

export interface Revoker {
  db: Database
  accessTokens: AccessTokens
  refreshTokens: RefreshTokens
  events: Pick<EventRecorder, 'record'>
}

/**
 * Revokes the token; of a refresh token, also one that has been used, its grant with all of its tokens (section 2.1). When
 * this resolves, the revocation is durable. A token that is unknown, expired or not a token at all needs no revocation
 * and is no error (section 2.2).
 * @param now ms since the epoch
 * @throws OAuthError `unauthorized_client` where the token was issued to another client; StoreError
 */
export async function revokeToken(
  revoker: Revoker,
  issuer: TokenIssuer,
  client: Client,
  token: string,
  now: number,
): Promise<void> {
  const { db, accessTokens, events } = revoker
  const { id } = issuer.authServer
  const presented = await findPresentedGrant(revoker, id, token)
  if (presented) {
    const { grant } = presented
    requireOwner(client, grant.client_id)
    await db.write({ authServer: id }, (tx) => endGrant(tx, id, grant.id, now))
    events.record(id, grantRevoked(grant))
    return
  }
  const claims = await accessTokens.verify(issuer, token, now)
  if (!claims) return
  const { jti, exp, sub: subject, client_id } = claims
  requireOwner(client, client_id)
  await db.write({ authServer: id }, (tx) => revokeAccessToken(tx, id, jti, exp, now))
  events.record(id, { type: 'token.revoked', client_id, subject, jti })
}

function requireOwner(client: Client, owner: string): void {
  if (client.id !== owner) throw new OAuthError('unauthorized_client', 'the token was issued to another client')
}
