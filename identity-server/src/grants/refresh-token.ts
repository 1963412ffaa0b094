import { Confirmation } from '@postern/protocol/confirmation'
import { Value } from 'typebox/value'
import { required } from '../form.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { GrantRow } from '../store/grants.ts'
import { Granted } from '../tokens/granted.ts'
import { isGrantRevoked } from '../tokens/introspect-refresh-token.ts'
import { refreshLifetimes, refreshTokenEnd } from '../tokens/refresh-lifetimes.ts'
import type { Grant } from './grant.ts'
import { type LastingGrants, refreshRefusal } from './lasting.ts'

export interface RefreshTokenGrantDeps {
  lastingGrants: LastingGrants
  revocations: Pick<RevocationLog, 'isRevoked'>
}

/**
 * Refreshing an access token (RFC 6749 section 6). What was granted is the ceiling, whatever the client may have by now;
 * less may be asked for, which concerns this access token alone.
 */
export function createRefreshTokenGrant({ lastingGrants, revocations }: RefreshTokenGrantDeps): Grant {
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
      if (!isCurrent) throw await lastingGrants.endMisused(authServer, grant.id, now)
      if (now >= refreshTokenEnd(grant, refreshLifetimes(authServer, client))) throw refreshRefusal('it has expired')
      if (await isGrantRevoked(revocations, authServer, grant)) throw refreshRefusal('it has been revoked')
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

/** Whether the sender holds the keys that the refresh token is bound to (RFC 9449 section 5, RFC 8705 section 4). */
function isHeld({ confirmation: bound }: GrantRow, shown: Confirmation = {}): boolean {
  if (bound === null) return true
  const { jkt, 'x5t#S256': certificate } = Value.Parse(Confirmation, bound)
  return (jkt === undefined || jkt === shown.jkt) && (certificate === undefined || certificate === shown['x5t#S256'])
}
