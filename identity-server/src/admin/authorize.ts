/** Who may use the admin API: holders of access tokens of the system auth server (RFC 6750). */
import { bearerChallenge, parseBearer } from '@postern/protocol/bearer'
import type { OAuthErrorCode } from '@postern/protocol/oauth-error'
import { parseScope } from '@postern/protocol/scope'
import type { Client } from '../clients/clients.ts'
import type { KeyRing } from '../keys/signing-keys.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { adminAudience, rootOrganization, systemAuthServer } from '../tenancy/system.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { Problem } from './problem.ts'

/** On whose behalf an admin request acts. */
export interface Admin {
  /** The organization whose subtree it may see. */
  organization: string
}

/**
 * @param authorization the values of all Authorization headers of the request
 * @throws Problem `unauthorized` or `insufficient_scope`, with a challenge; StoreError
 */
export type AuthorizeAdmin = (authorization: readonly string[], scope: string) => Promise<Admin>

export interface AuthorizeAdminOptions {
  publicOrigin: string
  accessTokens: AccessTokens
  authServers: CachedLookup<AuthServer>
  clients: CachedLookup<Client>
  keyRings: CachedLookup<KeyRing>
  revocations: RevocationLog
  now: () => number
}

export function createAuthorizeAdmin(options: AuthorizeAdminOptions): AuthorizeAdmin {
  const { accessTokens, authServers, clients, keyRings, revocations, now } = options
  const audience = adminAudience(options.publicOrigin)

  return async (authorization, scope) => {
    const token = readToken(authorization)
    const [authServer, keys] = [await authServers.get(systemAuthServer), await keyRings.get(systemAuthServer)]
    const claims = authServer && keys && (await accessTokens.verify({ authServer, keys }, token, now()))
    if (!claims || claims.aud !== audience) throw refusal('invalid_token', 'the access token is not valid')
    const client = await clients.get(systemAuthServer, claims.client_id)
    if (!client?.enabled || (await revocations.isRevoked(systemAuthServer, claims))) {
      throw refusal('invalid_token', 'the access token is not valid')
    }
    if (!parseScope(claims.scope ?? '')?.includes(scope)) {
      throw refusal('insufficient_scope', `the scope ${scope} is required`, scope)
    }
    return { organization: rootOrganization }
  }
}

function readToken([authorization, another]: readonly string[]): string {
  const credentials = authorization === undefined ? 'none' : parseBearer(authorization)
  if (credentials === 'none') throw new Problem('unauthorized', undefined, challenge({}))
  if (credentials === 'malformed' || another !== undefined) {
    throw refusal('invalid_request', 'the Authorization header is malformed or repeated')
  }
  return credentials.token
}

function refusal(error: OAuthErrorCode, description: string, scope?: string): Problem {
  const code = error === 'insufficient_scope' ? 'insufficient_scope' : 'unauthorized'
  return new Problem(code, description, challenge({ error, description, ...(scope !== undefined && { scope }) }))
}

function challenge(parameters: { error?: OAuthErrorCode; description?: string; scope?: string }) {
  return { 'www-authenticate': bearerChallenge({ realm: 'postern admin', ...parameters }) }
}
