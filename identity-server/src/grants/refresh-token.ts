import { Confirmation } from '@postern/protocol/confirmation'
import { Value } from 'typebox/value'
import { required } from '../form.ts'
import type { GrantRow } from '../store/grants.ts'
import type { Grant } from './grant.ts'
import { Granted, type LastingGrants, refreshRefusal } from './lasting.ts'
import { type Lifetimes, lifetimesOf } from './lifetimes.ts'

/**
 * Refreshing an access token (RFC 6749 section 6). What was granted is the ceiling, whatever the client may have by now;
 * less may be asked for, which concerns this access token alone.
 */
export function createRefreshTokenGrant(lastingGrants: LastingGrants): Grant {
  return {
    type: 'refresh_token',
    forPublicClients: true,
    recordedAs: 'token.refreshed',
    async authorize({ authServer, client, isPublic, form, confirmation, now }) {
      const found = await lastingGrants.find(authServer, required(form, 'refresh_token'))
      if (!found) throw refreshRefusal('there is no such token, or its grant has ended')
      const { grant, isCurrent } = found
      const granted = Value.Parse(Granted, grant.granted)
      if (grant.client_id !== client.id) throw refreshRefusal('it was issued to another client')
      if (granted.authenticated && isPublic) throw refreshRefusal('the client has to prove who it is')
      if (!isHeld(grant, confirmation)) throw refreshRefusal('it is bound to another key')
      // Only now: in hands that could not use it anyway, an earlier token is no reason to end what its owner has.
      if (!isCurrent) throw await lastingGrants.endMisused(authServer, grant.id)
      if (now >= endOf(grant, lifetimesOf(authServer, client))) throw refreshRefusal('it has expired')
      return {
        subject: grant.subject,
        scopeCeiling: granted.scopes,
        audienceCeiling: granted.audiences,
        authorizationDetailsCeiling: granted.authorization_details,
        notAfter: Math.floor(grant.ends_at.getTime() / 1_000),
        continues: grant,
      }
    },
  }
}

/** Lifetimes that were shortened hold for grants that are there; longer ones do not bring back what had ended. */
function endOf(grant: GrantRow, { idleMs, totalMs }: Lifetimes): number {
  return Math.min(
    grant.idle_until.getTime(),
    grant.used_at.getTime() + idleMs,
    grant.ends_at.getTime(),
    grant.created_at.getTime() + totalMs,
  )
}

/** Whether the sender holds the keys that the refresh token is bound to (RFC 9449 section 5, RFC 8705 section 4). */
function isHeld({ confirmation: bound }: GrantRow, shown: Confirmation = {}): boolean {
  if (bound === null) return true
  const { jkt, 'x5t#S256': certificate } = Value.Parse(Confirmation, bound)
  return (jkt === undefined || jkt === shown.jkt) && (certificate === undefined || certificate === shown['x5t#S256'])
}
