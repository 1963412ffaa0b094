/** Client authentication (RFC 6749 section 2.3), the same at every endpoint that asks for it. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { type Client, clientIdPattern } from '../clients/clients.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { type Claimed, type ClientAuthMethod, type Credentials, publicMethod } from './method.ts'

export interface AuthenticatedClient {
  client: Client
  /** The name of the method. */
  method: string
  /** Whether it only named itself, and proved nothing. */
  isPublic: boolean
}

/**
 * @returns the authenticated, enabled client
 * @throws OAuthError `invalid_client` where authentication fails or is absent, `invalid_request` where the request
 *   uses more than one method or contradicts itself; StoreError
 */
export type AuthenticateClient = (authServer: AuthServer, credentials: Credentials) => Promise<AuthenticatedClient>

/** No other id is looked up: neither the database nor the cache has to hold what somebody invents at length. */
const clientId = new RegExp(clientIdPattern)

interface Attempt {
  method: ClientAuthMethod
  claimed: Claimed
}

export function createAuthenticateClient(
  clients: CachedLookup<Client>,
  methods: readonly ClientAuthMethod[],
): AuthenticateClient {
  const explicit = methods.filter((method) => !method.implicit)
  const implicit = methods.filter((method) => method.implicit)

  const attemptsIn = (credentials: Credentials): Attempt[] => {
    const found = attemptsOf(explicit, credentials)
    if (found.length > 1) throw new OAuthError('invalid_request', 'more than one client authentication method')
    return found.length === 1 ? found : attemptsOf(implicit, credentials)
  }

  return async (authServer, credentials) => {
    const attempts = attemptsIn(credentials)
    const id = claimedId(attempts, credentials)
    const client = clientId.test(id) ? await clients.get(authServer.id, id) : undefined
    for (const { method, claimed } of attempts) {
      const allowed = client?.enabled && isAllowed(method.name, client, authServer)
      // Of the implicit methods, those that the client does not use were never meant.
      if (method.implicit && !allowed) continue
      const proven = await claimed.proves(client, authServer)
      if (proven && allowed) return { client, method: method.name, isPublic: method.name === publicMethod }
    }
    // One message for every reason: which of them it was is nobody's business but the operator's.
    throw new OAuthError('invalid_client', 'client authentication failed')
  }
}

function claimedId([attempt]: readonly Attempt[], { form }: Credentials): string {
  if (!attempt) throw new OAuthError('invalid_client', 'client authentication is required')
  const parameter = form.get('client_id')
  if (parameter !== undefined && parameter !== attempt.claimed.clientId) {
    throw new OAuthError('invalid_request', 'client_id contradicts the client authentication')
  }
  return attempt.claimed.clientId
}

function attemptsOf(methods: readonly ClientAuthMethod[], credentials: Credentials): Attempt[] {
  return methods.flatMap((method) => {
    const claimed = method.read(credentials)
    return claimed ? [{ method, claimed }] : []
  })
}

function isAllowed(method: string, client: Client, { limits }: AuthServer): boolean {
  return client.authMethods.includes(method) && (limits.token_endpoint_auth_methods?.includes(method) ?? true)
}
