/** Token revocation (RFC 7009): what is revoked is remembered until the token would have expired. */
import { OAuthError } from '@postern/protocol/oauth-error'
import type { Client } from '../clients/clients.ts'
import type { EventRecorder } from '../events/recorder.ts'
import { revokeAccessToken } from '../revocations/revoke.ts'
import type { Database } from '../store/database.ts'
import type { AccessTokens, TokenIssuer } from './access-token.ts'

export interface Revoker {
  db: Database
  accessTokens: AccessTokens
  events: Pick<EventRecorder, 'record'>
}

/**
 * Revokes the token. When this resolves, the revocation is durable. A token that is unknown, expired or not a token at
 * all needs no revocation and is no error (section 2.2).
 * @param now ms since the epoch
 * @throws OAuthError `unauthorized_client` where the token was issued to another client; StoreError
 */
export async function revokeToken(
  { db, accessTokens, events }: Revoker,
  issuer: TokenIssuer,
  client: Client,
  token: string,
  now: number,
): Promise<void> {
  const claims = await accessTokens.verify(issuer, token, now)
  if (!claims) return
  if (claims.client_id !== client.id) {
    throw new OAuthError('unauthorized_client', 'the token was issued to another client')
  }
  const { id } = issuer.authServer
  await db.write({ authServer: id }, (tx) => revokeAccessToken(tx, id, claims.jti, claims.exp, now))
  events.record(id, { type: 'token.revoked', client_id: client.id, subject: claims.sub, jti: claims.jti })
}
