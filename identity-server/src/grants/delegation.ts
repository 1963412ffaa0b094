/** Who acts, in a token exchange (RFC 8693 sections 1.1, 4.1 and 4.4). */
import { type Actor, mayAct, parseActor } from '@postern/protocol/actor'
import { OAuthError } from '@postern/protocol/oauth-error'
import type { Client } from '../clients/clients.ts'
import type { SecurityToken } from './subject-token.ts'

/**
 * The `act` claim of the new token. With an actor token, its subject acts. Without, the client itself acts; unless it may
 * impersonate, and the subject token does not say who may act: then nobody is seen to act.
 * @throws OAuthError `unauthorized_client` where the client may do neither, `invalid_grant` where the subject token does not
 *   allow it, or too many have acted before
 */
export function actorOf(
  client: Client,
  issuer: string,
  subject: SecurityToken,
  actorToken: SecurityToken | undefined,
): Actor | undefined {
  const { delegation = 'none', impersonation = false } = client.settings.token_exchange ?? {}
  const restricted = subject.claims.may_act !== undefined
  if (!actorToken && impersonation && !restricted) return subject.claims.act === undefined ? undefined : before(subject)
  if (delegation === 'none') throw new OAuthError('unauthorized_client', 'the client may not act for others')

  const actor = actorToken ? toActor(actorToken) : { sub: client.id, iss: issuer, client_id: client.id }
  const allowed = restricted ? mayAct(subject.claims.may_act, actor) : delegation === 'any'
  if (!allowed) throw new OAuthError('invalid_grant', 'the subject token does not allow this actor')
  const act = { ...actor, ...(subject.claims.act !== undefined && { act: before(subject) }) }
  if (!parseActor(act)) throw new OAuthError('invalid_grant', 'too many have acted already')
  return act
}

/** Those who acted with the subject token: what it says of them is kept, or the token is not taken. */
function before({ claims }: SecurityToken): Actor {
  const act = parseActor(claims.act)
  if (!act) throw new OAuthError('invalid_grant', 'the act claim of the subject token is not understood')
  return act
}

function toActor({ subject, issuer, clientId }: SecurityToken): Actor {
  return { sub: subject, iss: issuer, ...(clientId !== undefined && { client_id: clientId }) }
}
