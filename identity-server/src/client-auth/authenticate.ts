/** Client authentication (RFC 6749 section 2.3), the same at every endpoint that asks for it. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { type Client, clientIdPattern } from '../clients/clients.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { ClientAuthMethod, Credentials } from './method.ts'

/**
 * @returns the authenticated, enabled client
 * @throws OAuthError `invalid_client` where authentication fails or is absent, `invalid_request` where the request
 *   uses more than one method or contradicts itself
 */
export type AuthenticateClient = (authServer: string, credentials: Credentials) => Promise<Client>

/** No other id is looked up: neither the database nor the cache has to hold what somebody invents at length. */
const clientId = new RegExp(clientIdPattern)

export function createAuthenticateClient(
  clients: CachedLookup<Client>,
  methods: readonly ClientAuthMethod[],
): AuthenticateClient {
  return async (authServer, credentials) => {
    const attempts = methods.flatMap((method) => {
      const claimed = method.read(credentials)
      return claimed ? [{ method, claimed }] : []
    })
    const [attempt, another] = attempts
    if (another) throw new OAuthError('invalid_request', 'more than one client authentication method')
    if (!attempt) throw new OAuthError('invalid_client', 'client authentication is required')

    const { method, claimed } = attempt
    const parameter = credentials.form.get('client_id')
    if (parameter !== undefined && parameter !== claimed.clientId) {
      throw new OAuthError('invalid_request', 'client_id contradicts the client authentication')
    }
    const client = clientId.test(claimed.clientId) ? await clients.get(authServer, claimed.clientId) : undefined
    const proven = claimed.proves(client)
    // One message for every reason: which of them it was is nobody's business but the operator's.
    if (!proven || !client?.enabled || !client.authMethods.includes(method.name)) {
      throw new OAuthError('invalid_client', 'client authentication failed')
    }
    return client
  }
}
