/** The token endpoint (RFC 6749 section 3.2): the phases that every grant goes through, in their order. */
import { type Confirmation, tokenTypeOf } from '@postern/protocol/confirmation'
import { OAuthError } from '@postern/protocol/oauth-error'
import { formatScope } from '@postern/protocol/scope'
import type { Issuance, TokenClaims } from '../claims/token-claims.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { Event } from '../events/types.ts'
import { required } from '../form.ts'
import { grantedAudiences } from '../grants/audiences.ts'
import { grantedAuthorizationDetails } from '../grants/authorization-details.ts'
import type { Authorization, Grant } from '../grants/grant.ts'
import type { LastingGrant, LastingGrants } from '../grants/lasting.ts'
import { grantedScopes } from '../grants/scopes.ts'
import type { DpopVerifier } from '../sender-constraint/dpop.ts'
import type { AccessTokenContent, AccessTokens } from '../tokens/access-token.ts'
import { authenticateCaller, type Caller, type IssuerLookups } from './caller.ts'
import { reasonOf, toOAuthError } from './errors.ts'
import type { FormReply, FormRequest, FormRoutes } from './form-endpoint.ts'
import { confirmCaller } from './sender.ts'

export interface TokenEndpoint {
  lookups: IssuerLookups
  grants: readonly Grant[]
  lastingGrants: LastingGrants
  accessTokens: AccessTokens
  tokenClaims: TokenClaims
  dpop: DpopVerifier
  events: Pick<EventRecorder, 'record'>
  now: () => number
}

export function tokenEndpoint(routes: FormRoutes, options: TokenEndpoint): void {
  const { lookups, grants, lastingGrants, accessTokens, tokenClaims, dpop, events, now } = options
  const byType = new Map(grants.map((grant) => [grant.type, grant]))

  const issue = async (caller: Caller, request: FormRequest, reply: FormReply) => {
    const grant = grantOf(byType, caller)
    const requestedAt = now()
    const confirmation = await confirmCaller(dpop, caller, request, reply, requestedAt)
    const authorization = await grant.authorize({ ...caller, confirmation, now: requestedAt })
    const lasting = lastingGrants.open(caller, authorization, requestedAt)
    const content = contentOf(caller, authorization, { confirmation, lasting }, requestedAt)
    // Before anything is issued or used up: where a claim cannot be made, there is nothing to take back.
    const claims = await tokenClaims.issue(issuanceOf(caller, grant, authorization, content, requestedAt))
    const { token, id } = await accessTokens.issue(caller, claims ? { ...content, claims } : content, requestedAt)
    const refreshToken = await lasting?.keep(content)
    events.record(caller.authServer.id, issuedEvent(grant, content, id))
    return {
      access_token: token,
      ...(authorization.issuedTokenType !== undefined && { issued_token_type: authorization.issuedTokenType }),
      token_type: tokenTypeOf(content.confirmation),
      expires_in: content.lifetime,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      ...(content.scopes.length > 0 && { scope: formatScope(content.scopes) }),
      ...(content.authorizationDetails.length > 0 && { authorization_details: content.authorizationDetails }),
    }
  }

  routes.post('/:auth_server/token', async (request, reply) => {
    const caller = await authenticateCaller(lookups, request)
    const answer = await issue(caller, request, reply).catch((error: unknown) => {
      events.record(caller.authServer.id, refusedEvent(byType, caller, error))
      throw error
    })
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send(answer)
  })
}

function grantOf(byType: ReadonlyMap<string, Grant>, { client, form, isPublic }: Caller): Grant {
  const grant = byType.get(required(form, 'grant_type'))
  if (!grant) throw new OAuthError('unsupported_grant_type', 'the grant type is not supported')
  if (!client.grantTypes.includes(grant.type) || (isPublic && !grant.forPublicClients)) {
    throw new OAuthError('unauthorized_client', 'the client may not use this grant type')
  }
  return grant
}

/** What the token will say: never more than was authorized, nor more than the client and its tenant allow. */
function contentOf(
  { authServer, client, form }: Caller,
  authorization: Authorization,
  { confirmation, lasting }: { confirmation: Confirmation | undefined; lasting: LastingGrant | undefined },
  requestedAt: number,
): AccessTokenContent {
  return {
    format: authorization.format ?? client.settings.access_token_format ?? 'jwt',
    subject: authorization.subject,
    clientId: client.id,
    audiences: grantedAudiences(authServer, client, form, authorization.audienceCeiling, authorization.targets),
    scopes: grantedScopes(authServer, client, form.get('scope'), authorization.scopeCeiling),
    authorizationDetails: grantedAuthorizationDetails(
      authServer,
      client,
      form.get('authorization_details'),
      authorization.authorizationDetailsCeiling,
    ),
    lifetime: lifetimeOf({ authServer, client }, lasting?.endsAt ?? authorization.notAfter, requestedAt),
    confirmation,
    actor: authorization.actor,
    grantId: lasting?.id ?? authorization.grantId,
  }
}

/** Seconds. @throws OAuthError `invalid_grant` where nothing is left of what the authorization allows */
function lifetimeOf(
  { authServer, client }: Pick<Caller, 'authServer' | 'client'>,
  notAfter = Number.POSITIVE_INFINITY,
  requestedAt: number,
): number {
  const wanted = client.accessTokenLifetime ?? authServer.accessTokenLifetime
  const limit = authServer.limits.access_token_lifetime ?? wanted
  const lifetime = Math.min(wanted, limit, notAfter - Math.floor(requestedAt / 1000))
  if (lifetime < 1) throw new OAuthError('invalid_grant', 'the authorization has expired')
  return lifetime
}

function issuanceOf(
  { authServer, client, form }: Caller,
  grant: Grant,
  { subjectToken }: Authorization,
  { subject, scopes, authorizationDetails }: AccessTokenContent,
  now: number,
): Issuance {
  return { authServer, client, form, subject, scopes, authorizationDetails, grantType: grant.type, subjectToken, now }
}

function issuedEvent(grant: Grant, content: AccessTokenContent, jti: string): Event {
  const { clientId, subject, scopes, audiences, grantId } = content
  return {
    type: grant.recordedAs ?? 'token.issued',
    client_id: clientId,
    subject,
    grant_type: grant.type,
    jti,
    grant_id: grantId,
    scope: scopes.length > 0 ? formatScope(scopes) : undefined,
    audience: audiences.join(' '),
  }
}

function refusedEvent(byType: ReadonlyMap<string, Grant>, { client, form }: Caller, error: unknown): Event {
  return {
    type: 'token.refused',
    client_id: client.id,
    // What is no grant type of ours may be anything, at any length.
    grant_type: byType.get(form.get('grant_type') ?? '')?.type,
    error: toOAuthError(error).code,
    reason: reasonOf(error),
  }
}
