/** The security tokens of a token exchange (RFC 8693 section 2.1): our own access tokens, and JWTs of trusted issuers. */
import { parseAudience } from '@postern/protocol/audience'
import type { Confirmation } from '@postern/protocol/confirmation'
import { parseScope } from '@postern/protocol/scope'
import type { Client } from '../clients/clients.ts'
import type { RevocationLog } from '../revocations/log.ts'
import type { CachedLookup } from '../store/cached-lookup.ts'
import type { AccessTokenClaims, AccessTokens } from '../tokens/access-token.ts'
import type { TrustedIssuers } from '../trust/trusted-issuers.ts'
import { findTrustedIssuer } from './foreign.ts'
import type { Authorization, GrantRequest } from './grant.ts'

const type = (name: string) => `urn:ietf:params:oauth:token-type:${name}`
export const tokenTypes = { accessToken: type('access_token'), jwt: type('jwt'), idToken: type('id_token') } as const

export interface SecurityToken {
  subject: string
  /** Who issued it; the subject of a token of our own is our own. */
  issuer: string
  /** The client that it was issued to, where it is our own. */
  clientId: string | undefined
  claims: Readonly<Record<string, unknown>>
  expiresAt: number
  confirmation: Confirmation | undefined
  /** Whether it was issued to the client, or for it. */
  isFor(client: Client): boolean
  /** What a token that stands on it cannot exceed. */
  ceilings: Pick<Authorization, 'scopeCeiling' | 'authorizationDetailsCeiling' | 'grantId'>
}

export interface SecurityTokenDeps {
  accessTokens: AccessTokens
  clients: CachedLookup<Client>
  revocations: Pick<RevocationLog, 'isRevoked'>
  trustedIssuers: CachedLookup<TrustedIssuers>
}

/**
 * @param tokenType the type that the client says it has
 * @returns undefined where the token is none that is accepted from this client
 * @throws OAuthError `temporarily_unavailable` where the keys of a trusted issuer cannot be had; StoreError
 */
export async function readSecurityToken(
  deps: SecurityTokenDeps,
  request: GrantRequest,
  token: string,
  tokenType: string,
): Promise<SecurityToken | undefined> {
  const own = tokenType !== tokenTypes.idToken && (await deps.accessTokens.verify(request, token, request.now))
  return own ? readOwn(deps, request, own) : readForeign(deps, request, token)
}

async function readOwn(
  { clients, revocations }: SecurityTokenDeps,
  { authServer }: GrantRequest,
  claims: AccessTokenClaims,
): Promise<SecurityToken | undefined> {
  const owner = await clients.get(authServer.id, claims.client_id)
  if (!owner?.enabled || (await revocations.isRevoked(authServer.id, claims))) return undefined
  return {
    subject: claims.sub,
    issuer: authServer.issuer,
    clientId: claims.client_id,
    claims,
    expiresAt: claims.exp,
    confirmation: claims.cnf,
    isFor: (client) => claims.client_id === client.id || isMeantFor(client, claims.aud),
    ceilings: {
      scopeCeiling: parseScope(claims.scope ?? '') ?? [],
      authorizationDetailsCeiling: claims.authorization_details ?? [],
      ...(claims.grant_id !== undefined && { grantId: claims.grant_id }),
    },
  }
}

async function readForeign(
  { trustedIssuers, revocations }: SecurityTokenDeps,
  { authServer, client, now }: GrantRequest,
  token: string,
): Promise<SecurityToken | undefined> {
  const issuer = await findTrustedIssuer(trustedIssuers, { authServer, client }, token, 'subject_tokens')
  const verified = await issuer?.verify(token, 'subject_tokens', authServer.issuer, now)
  if (!issuer || !verified) return undefined
  const { subject, claims } = verified
  if (await revocations.isRevoked(authServer.id, { sub: subject, iat: claims.iat })) return undefined
  return {
    subject,
    issuer: issuer.issuer,
    clientId: undefined,
    claims,
    expiresAt: claims.exp,
    // Whatever key it is bound to, nobody here can tell whether the client holds it.
    confirmation: claims.cnf === undefined ? undefined : {},
    // The issuer was trusted for the audiences that were checked, and for this client.
    isFor: () => true,
    ceilings: { scopeCeiling: issuer.scopes, authorizationDetailsCeiling: [] },
  }
}

/** The client itself, or an audience that it stands for. */
function isMeantFor(client: Client, aud: unknown): boolean {
  const audiences = [client.id, ...(client.settings.token_exchange?.audiences ?? [])]
  return parseAudience(aud)?.some((audience) => audiences.includes(audience)) ?? false
}
