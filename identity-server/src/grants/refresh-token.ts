import { Confirmation } from '@postern/protocol/confirmation'
import { Compile } from 'typebox/compile'
import { required } from '../form.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { GrantRow } from '../store/grants.ts'
import { type Granted, parseGranted } from '../tokens/granted.ts'
import { isGrantRevoked } from '../tokens/introspect-refresh-token.ts'
import { refreshLifetimes, refreshTokenEnd } from '../tokens/refresh-lifetimes.ts'
import type { TrustedIssuers } from '../trust/trusted-issuers.ts'
import type { Grant, GrantRequest } from './grant.ts'
import { type LastingGrants, refreshRefusal } from './lasting.ts'

const confirmations = Compile(Confirmation)

export interface RefreshTokenGrantDeps {
  lastingGrants: LastingGrants
  trustedIssuers: CachedLookup<TrustedIssuers>
  revocations: Pick<RevocationLog, 'isRevoked'>
}

/**
 * Refreshing an access token (RFC 6749 section 6). What was granted is the ceiling, whatever the client may have by now;
 * less may be asked for, which concerns this access token alone.
 */
export function createRefreshTokenGrant(deps: RefreshTokenGrantDeps): Grant {
  const { lastingGrants } = deps
  return {
    type: 'refresh_token',
    forPublicClients: true,
    recordedAs: 'token.refreshed',
    async authorize(request) {
      const { authServer, form, now } = request
      const found = await lastingGrants.find(authServer, required(form, 'refresh_token'))
      if (!found) throw refreshRefusal('there is no such token, or its grant has ended')
      const { grant, isCurrent } = found
      const granted = parseGranted(grant.granted)
      requireHolder(request, grant, granted)
      // Only now: in hands that could not use it anyway, an earlier token is no reason to end what its owner has.
      if (!isCurrent) throw await lastingGrants.endMisused(authServer, grant.id, now)
      return {
        subject: grant.subject,
        scopeCeiling: await stillGranted(deps, request, grant, granted),
        audienceCeiling: granted.audiences,
        authorizationDetailsCeiling: granted.authorization_details,
        notAfter: Math.floor(grant.ends_at.getTime() / 1_000),
        continues: grant,
        ...(granted.actor && { actor: granted.actor }),
        ...(granted.subject_token && { subjectToken: granted.subject_token }),
      }
    },
  }
}

/** @throws OAuthError `invalid_grant` where the token is of no use to whoever sent it */
function requireHolder({ client, isPublic, confirmation }: GrantRequest, grant: GrantRow, granted: Granted): void {
  if (grant.client_id !== client.id) throw refreshRefusal('it was issued to another client')
  if (granted.authenticated && isPublic) throw refreshRefusal('the client has to prove who it is')
  if (!isHeld(grant, confirmation)) throw refreshRefusal('it is bound to another key')
}

/** @returns the scopes. @throws OAuthError `invalid_grant` where the grant is over, or nobody vouches for it; StoreError */
async function stillGranted(
  { revocations, trustedIssuers }: RefreshTokenGrantDeps,
  { authServer, client, now }: GrantRequest,
  grant: GrantRow,
  granted: Granted,
): Promise<readonly string[]> {
  if (now >= refreshTokenEnd(grant, refreshLifetimes(authServer, client))) throw refreshRefusal('it has expired')
  if (await isGrantRevoked(revocations, authServer, grant)) throw refreshRefusal('it has been revoked')
  const scopes = await vouchedFor(trustedIssuers, { authServer, client }, granted)
  if (!scopes) throw refreshRefusal('the issuer that vouched for the subject is no longer trusted')
  return scopes
}

/** Whether the sender holds the keys that the refresh token is bound to (RFC 9449 section 5, RFC 8705 section 4). */
function isHeld({ confirmation: bound }: GrantRow, shown: Confirmation = {}): boolean {
  if (bound === null) return true
  const { jkt, 'x5t#S256': certificate } = confirmations.Parse(bound)
  return (jkt === undefined || jkt === shown.jkt) && (certificate === undefined || certificate === shown['x5t#S256'])
}

/**
 * The scopes that can still be granted on the word of whoever vouched for the subject: who may no longer begin a grant, may
 * not keep one alive either.
 * @returns undefined where that issuer is no longer trusted at all
 */
async function vouchedFor(
  trustedIssuers: CachedLookup<TrustedIssuers>,
  { authServer, client }: Pick<GrantRequest, 'authServer' | 'client'>,
  { scopes, subject_token }: Granted,
): Promise<readonly string[] | undefined> {
  if (!subject_token || subject_token.iss === authServer.issuer) return scopes
  const issuer = (await trustedIssuers.get(authServer.id))?.get(String(subject_token.iss))
  if (!issuer?.isTrustedFor('assertions') || !issuer.mayBePresentedBy(client.id)) return undefined
  return scopes.filter((scope) => issuer.scopes.includes(scope))
}
