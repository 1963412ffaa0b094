/** Who may use the admin API: holders of access tokens of the system auth server (RFC 6750, RFC 9449, RFC 8705). */
import type { IncomingMessage } from 'node:http'
import { bearerChallenge, parseBearer } from '@postern/protocol/bearer'
import { dpopChallenge, parseDpopToken } from '@postern/protocol/dpop'
import { OAuthError, type OAuthErrorCode } from '@postern/protocol/oauth-error'
import { parseScope } from '@postern/protocol/scope'
import type { Client } from '../clients/clients.ts'
import type { KeyRing } from '../keys/signing-keys.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { ReadCertificate } from '../sender-constraint/certificate.ts'
import type { DpopVerifier } from '../sender-constraint/dpop.ts'
import { evidenceOf } from '../sender-constraint/evidence.ts'
import { checkPossession, type PresentedToken } from '../sender-constraint/possession.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import { adminAudience, rootOrganization, systemAuthServer } from '../tenancy/system.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { Problem } from './problem.ts'

/** On whose behalf an admin request acts. */
export interface Admin {
  /** The organization whose subtree it may see. */
  organization: string
  /** The client that acts. */
  clientId: string
  /** The `jti` of its access token. */
  tokenId: string
}

/** @throws Problem `unauthorized` or `insufficient_scope`, with a challenge; StoreError */
export type AuthorizeAdmin = (request: IncomingMessage, scope: string) => Promise<Admin>

export interface AuthorizeAdminOptions {
  publicOrigin: string
  accessTokens: AccessTokens
  authServers: CachedLookup<AuthServer>
  clients: CachedLookup<Client>
  keyRings: CachedLookup<KeyRing>
  revocations: RevocationLog
  readCertificate: ReadCertificate
  dpop: DpopVerifier
  now: () => number
}

export function createAuthorizeAdmin(options: AuthorizeAdminOptions): AuthorizeAdmin {
  const { accessTokens, authServers, clients, keyRings, revocations, readCertificate, dpop, now } = options
  const audience = adminAudience(options.publicOrigin)

  const checkSender = async (authServer: AuthServer, presented: PresentedToken, request: IncomingMessage) => {
    const at = now()
    try {
      const evidence = evidenceOf(request, readCertificate(request))
      await checkPossession(dpop, authServer, presented, evidence, at)
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      throw refusal(presented.scheme, error.code, error.message, { nonce: dpop.nonceFor(authServer, at) })
    }
  }

  return async (request, scope) => {
    const { token, scheme } = readToken(request.headersDistinct.authorization ?? [])
    const invalid = () => refusal(scheme, 'invalid_token', 'the access token is not valid')
    const [authServer, keys] = [await authServers.get(systemAuthServer), await keyRings.get(systemAuthServer)]
    const claims = authServer && keys && (await accessTokens.verify({ authServer, keys }, token, now()))
    if (!claims || claims.aud !== audience) throw invalid()
    await checkSender(authServer, { token, scheme, confirmation: claims.cnf }, request)
    const client = await clients.get(systemAuthServer, claims.client_id)
    if (!client?.enabled || (await revocations.isRevoked(systemAuthServer, claims))) throw invalid()
    if (!parseScope(claims.scope ?? '')?.includes(scope)) {
      throw refusal(scheme, 'insufficient_scope', `the scope ${scope} is required`, { scope })
    }
    return { organization: rootOrganization, clientId: claims.client_id, tokenId: claims.jti }
  }
}

function readToken([authorization, another]: readonly string[]): Pick<PresentedToken, 'token' | 'scheme'> {
  const [bearer, proven] = [parseBearer(authorization ?? ''), parseDpopToken(authorization ?? '')]
  if (bearer === 'none' && proven === 'none') {
    throw new Problem('unauthorized', undefined, {
      'www-authenticate': `${bearerChallenge({ realm })}, ${dpopChallenge({ realm })}`,
    })
  }
  const [scheme, credentials] = proven === 'none' ? (['Bearer', bearer] as const) : (['DPoP', proven] as const)
  if (typeof credentials === 'string' || another !== undefined) {
    throw refusal(scheme, 'invalid_request', 'the Authorization header is malformed or repeated')
  }
  return { token: credentials.token, scheme }
}

const realm = 'postern admin'

function refusal(
  scheme: PresentedToken['scheme'],
  error: OAuthErrorCode,
  description: string,
  { scope, nonce }: { scope?: string; nonce?: string | undefined } = {},
): Problem {
  const code = error === 'insufficient_scope' ? 'insufficient_scope' : 'unauthorized'
  const challenge = scheme === 'DPoP' ? dpopChallenge : bearerChallenge
  return new Problem(code, description, {
    'www-authenticate': challenge({ realm, error, description, ...(scope !== undefined && { scope }) }),
    ...(nonce !== undefined && { 'dpop-nonce': nonce }),
  })
}
