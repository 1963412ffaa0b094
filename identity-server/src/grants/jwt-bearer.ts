import { OAuthError } from '@postern/protocol/oauth-error'
import { required } from '../form.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { TrustedIssuers } from '../trust/trusted-issuers.ts'
import { findTrustedIssuer } from './foreign.ts'
import type { Grant } from './grant.ts'

export interface JwtBearerDeps {
  trustedIssuers: CachedLookup<TrustedIssuers>
  replay: ReplayGuard
  revocations: Pick<RevocationLog, 'isRevoked'>
}

/**
 * An issuer that the auth server trusts vouches for the subject (RFC 7523 section 2.1). An assertion is used once, and only
 * one that was issued after the subject's last revocation counts.
 */
export function createJwtBearerGrant({ trustedIssuers, replay, revocations }: JwtBearerDeps): Grant {
  return {
    type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    forPublicClients: false,
    async authorize({ authServer, client, form, now }) {
      const assertion = required(form, 'assertion')
      const issuer = await findTrustedIssuer(trustedIssuers, { authServer, client }, assertion, 'assertions')
      const verified = await issuer?.verify(assertion, 'assertions', authServer.issuer, now)
      if (!issuer || !verified) throw refusal()
      const { subject, claims } = verified
      if (typeof claims.jti !== 'string' || claims.jti === '' || claims.jti.length > 255) throw refusal()
      if (await revocations.isRevoked(authServer.id, { sub: subject, iat: claims.iat })) throw refusal()
      // Last: what is refused for another reason can be mended and sent again.
      const scope = { authServer: authServer.id, kind: 'assertion' as const, owner: issuer.issuer }
      if (!(await replay.firstUse(scope, claims.jti, claims.exp * 1_000))) throw refusal()
      return { subject, scopeCeiling: issuer.scopes, refreshable: true, subjectToken: claims }
    },
  }
}

/** One for every reason: which it was is the issuer's and the operator's business. */
function refusal(): OAuthError {
  return new OAuthError('invalid_grant', 'the assertion is not acceptable')
}
