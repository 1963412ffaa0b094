/**
 * Grants that outlast their first access token, by refresh tokens (RFC 6749 section 1.5). Each use of a refresh token
 * yields the next one, and only the last one can be used: where an earlier one appears, somebody has it who should not,
 * and the whole grant ends (RFC 9700 section 4.14.2).
 */
import { OAuthError } from '@postern/protocol/oauth-error'
import type { Client } from '../clients/clients.ts'
import type { EventRecorder } from '../events/recorder.ts'
import { admitsGrant, endGrant } from '../revocations/revoke.ts'
import type { Database } from '../store/database.ts'
import { type GrantUse, insertGrant, type NewGrant } from '../store/grants.ts'
import { rotateGrant } from '../store/presented-grants.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { AccessTokenContent } from '../tokens/access-token.ts'
import type { Granted } from '../tokens/granted.ts'
import { refreshLifetimes } from '../tokens/refresh-lifetimes.ts'
import { createGrantId, findPresentedGrant, type PresentedGrant, type RefreshTokens } from '../tokens/refresh-token.ts'
import type { Authorization } from './grant.ts'

export interface LastingGrants {
  /** @returns the grant of the refresh token; undefined for one that was never issued, or whose grant has ended */
  find(authServer: AuthServer, token: string): Promise<PresentedGrant | undefined>
  /**
   * The grant that the request begins or continues, or undefined where its token is to be the only one.
   * @param now ms since the epoch
   */
  open(requester: Requester, authorization: Authorization, now: number): LastingGrant | undefined
  /**
   * Ends a grant with all of its tokens, because a refresh token was used again.
   * @param now ms since the epoch
   * @returns the refusal of the request
   */
  endMisused(authServer: AuthServer, id: string, now: number): Promise<OAuthError>
}

export interface Requester {
  authServer: AuthServer
  client: Client
  isPublic: boolean
}

export interface LastingGrant {
  id: string
  /** Seconds since the epoch that none of its tokens may outlive. */
  endsAt: number
  /**
   * Stores it, as the last thing before the answer: a request that failed until then has used nothing up.
   * @param content of the access token that goes along
   * @returns the refresh token
   * @throws OAuthError `invalid_grant` where the refresh token of the request has been used meanwhile; StoreError
   */
  keep(content: AccessTokenContent): Promise<string>
}

/** A grant that is new. */
interface Beginning {
  id: string
  /** ms since the epoch */
  now: number
  use: GrantUse
  content: AccessTokenContent
}

const dayMs = 86_400_000

export interface LastingGrantsOptions {
  db: Database
  refreshTokens: RefreshTokens
  events: Pick<EventRecorder, 'record'>
}

export function createLastingGrants({ db, refreshTokens, events }: LastingGrantsOptions): LastingGrants {
  const endMisused = async ({ id: authServer }: AuthServer, id: string, now: number) => {
    const ended = await db.write({ authServer }, (tx) => endGrant(tx, authServer, id, now))
    if (!ended) return refreshRefusal('its grant has ended')
    const { client_id, subject } = ended
    events.record(authServer, { type: 'refresh_token.reuse_detected', client_id, subject, grant_id: id })
    return refreshRefusal('it has been used already')
  }

  const begin = async (requester: Requester, authorization: Authorization, { id, now, use, content }: Beginning) => {
    const { authServer, client } = requester
    const row = { id, created_at: new Date(now), ...grantedBy(requester, authorization, content), ...use }
    const about = { client: client.id, subject: authorization.subject, createdAt: now }
    await db.commit({ authServer: authServer.id }, async (tx) => {
      const admitted = await admitsGrant(tx, authServer.id, about)
      if (!admitted) throw new OAuthError('invalid_grant', 'the authorization has been revoked')
      await insertGrant(tx, authServer.id, row)
    })
  }

  return {
    find: ({ id }, token) => findPresentedGrant({ db, refreshTokens }, id, token),
    open(requester, authorization, now) {
      const { authServer, client } = requester
      const { refreshable, continues, notAfter = Number.POSITIVE_INFINITY } = authorization
      if (!continues && !(refreshable && client.grantTypes.includes('refresh_token'))) return undefined
      const { idleMs, totalMs } = refreshLifetimes(authServer, client)
      const createdAt = continues?.created_at ?? new Date(now)
      const endsAt = Math.min(Math.floor((createdAt.getTime() + totalMs) / 1_000), notAfter)
      const id = continues?.id ?? createGrantId()
      return {
        id,
        endsAt,
        async keep(content) {
          const { token, hash } = refreshTokens.make(authServer.id, id)
          const use = { token_hash: hash, ...timesOf(now, { idleMs, endsAt, lifetime: content.lifetime }) }
          if (!continues) await begin(requester, authorization, { id, now, use, content })
          else if (!(await rotateGrant(db, authServer.id, id, continues.token_hash, use))) {
            throw await endMisused(authServer, id, now)
          }
          return token
        },
      }
    },
    endMisused,
  }
}

/** @param reason for the operator: whoever presents a wrong token need not learn what is wrong with it */
export function refreshRefusal(reason: string): OAuthError {
  return new OAuthError('invalid_grant', 'the refresh token is not valid', { cause: new Error(reason) })
}

function grantedBy(
  { client, isPublic }: Requester,
  { subject, actor, subjectToken }: Authorization,
  { scopes, audiences, authorizationDetails, confirmation }: AccessTokenContent,
): Omit<NewGrant, 'id' | 'created_at' | keyof GrantUse> {
  const granted: Granted = {
    scopes: [...scopes],
    audiences: [...audiences],
    authorization_details: [...authorizationDetails],
    authenticated: !isPublic,
    ...(actor && { actor }),
    ...(subjectToken && { subject_token: { ...subjectToken } }),
  }
  return {
    client_id: client.id,
    subject,
    granted: JSON.stringify(granted),
    // The refresh tokens of other clients are bound to them by client authentication (RFC 9449 section 5, RFC 8705 section 4).
    confirmation: isPublic && confirmation ? JSON.stringify(confirmation) : null,
  }
}

/** @param lifetime of the access token that goes along, in seconds */
function timesOf(
  now: number,
  { idleMs, endsAt, lifetime }: { idleMs: number; endsAt: number; lifetime: number },
): Omit<GrantUse, 'token_hash'> {
  const idleUntil = Math.min(now + idleMs, endsAt * 1_000)
  return {
    used_at: new Date(now),
    idle_until: new Date(idleUntil),
    ends_at: new Date(endsAt * 1_000),
    access_ends_at: new Date(now + lifetime * 1_000),
    expires_at: new Date(Math.ceil(idleUntil / dayMs) * dayMs),
  }
}
