/** Scopes of a token request, decided here for every grant. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { missingScopes, parseScope } from '@postern/protocol/scope'
import type { Client } from '../clients/clients.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'

/**
 * The scopes to grant (RFC 6749 section 3.3): the requested ones, or the auth server's default ones that the client
 * may have.
 * @param requested the `scope` parameter
 * @throws OAuthError `invalid_scope` where it is malformed, or names a scope that the client may not have
 */
export function grantedScopes(authServer: AuthServer, client: Client, requested: string | undefined): string[] {
  if (requested === undefined) return authServer.defaultScopes.filter((scope) => client.scopes.includes(scope))
  const scopes = parseScope(requested)
  if (!scopes) throw new OAuthError('invalid_scope', 'scope is malformed')
  if (missingScopes(scopes, client.scopes).length > 0) {
    throw new OAuthError('invalid_scope', 'a requested scope is unknown or not allowed to this client')
  }
  return scopes
}
