/** Client authentication (RFC 6749 section 2.3), the same at every endpoint that asks for it. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { type Client, clientIdPattern } from '../clients/clients.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { Event } from '../events/types.ts'
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
  events: Pick<EventRecorder, 'record'>,
): AuthenticateClient {
  const explicit = methods.filter((method) => !method.implicit)
  const implicit = methods.filter((method) => method.implicit)

  const attemptsIn = (credentials: Credentials): Attempt[] => {
    const found = attemptsOf(explicit, credentials)
    if (found.length > 1) throw new OAuthError('invalid_request', 'more than one client authentication method')
    return found.length === 1 ? found : attemptsOf(implicit, credentials)
  }

  const find = (authServer: AuthServer, id: string) => (clientId.test(id) ? clients.get(authServer.id, id) : undefined)

  return async (authServer, credentials) => {
    let attempts: Attempt[] = []
    let client: Client | undefined
    try {
      attempts = attemptsIn(credentials)
      client = await find(authServer, claimedId(attempts, credentials))
      const authenticated = await prove(attempts, client, authServer)
      const { method } = authenticated
      events.record(authServer.id, { type: 'client.authenticated', client_id: authenticated.client.id, method })
      return authenticated
    } catch (error) {
      if (error instanceof OAuthError) events.record(authServer.id, failureOf(error, attempts, client))
      throw error
    }
  }
}

async function prove(
  attempts: readonly Attempt[],
  client: Client | undefined,
  authServer: AuthServer,
): Promise<AuthenticatedClient> {
  for (const { method, claimed } of attempts) {
    const allowed = client?.enabled && isAllowed(method.name, client, authServer)
    // Of the implicit methods, those that the client does not use were never meant.
    if (method.implicit && !allowed) continue
    const proven = await claimed.proves(client, authServer)
    if (proven && allowed) return { client, method: method.name, isPublic: method.name === publicMethod }
  }
  // One message for every reason: which of them it was is nobody's business but the operator's.
  const cause = new Error(reasonOf(client, attempts, authServer))
  throw new OAuthError('invalid_client', 'client authentication failed', { cause })
}

/** Without the id of a client that there is not: it may be a secret that was put in the wrong place. */
function failureOf(error: OAuthError, [attempt]: readonly Attempt[], client: Client | undefined): Event {
  const { code, message, cause } = error
  return {
    type: 'client.authentication_failed',
    client_id: client?.id,
    method: attempt?.method.name,
    error: code,
    reason: cause instanceof Error ? cause.message : message,
  }
}

function reasonOf(client: Client | undefined, attempts: readonly Attempt[], authServer: AuthServer): string {
  if (!client) return 'there is no such client'
  if (!client.enabled) return 'the client is disabled'
  const allowed = attempts.some(({ method }) => isAllowed(method.name, client, authServer))
  return allowed ? 'the credentials are wrong or expired' : 'the client may not use this method'
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
