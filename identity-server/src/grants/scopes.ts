/** Scopes of a token request, decided here for every grant. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { missingScopes, parseScope } from '@postern/protocol/scope'
import type { Client } from '../clients/clients.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'

/**
 * The scopes to grant (RFC 6749 section 3.3): the requested ones; or all of the ceiling that the client may have; or,
 * without a ceiling, the auth server's default ones that the client may have.
 * @param requested the `scope` parameter
 * @param ceiling scopes that the grant is bounded by
 * @throws OAuthError `invalid_scope` where it is malformed, or names a scope that may not be granted
 */
export function grantedScopes(
  authServer: AuthServer,
  client: Client,
  requested: string | undefined,
  ceiling?: readonly string[],
): string[] {
  if (requested === undefined) {
    return (ceiling ?? authServer.defaultScopes).filter((scope) => client.scopes.includes(scope))
  }
  const scopes = parseScope(requested)
  if (!scopes) throw new OAuthError('invalid_scope', 'scope is malformed')
  if (missingScopes(scopes, client.scopes).length > 0) {
    throw new OAuthError('invalid_scope', 'a requested scope is unknown or not allowed to this client')
  }
  if (ceiling && missingScopes(scopes, ceiling).length > 0) {
    throw new OAuthError('invalid_scope', 'a requested scope exceeds what was granted')
  }
  return scopes
}
