/** The token endpoint (RFC 6749 section 3.2): the phases that every grant goes through, in their order. */
import { type Confirmation, tokenTypeOf } from '@postern/protocol/confirmation'
import { OAuthError } from '@postern/protocol/oauth-error'
import { formatScope } from '@postern/protocol/scope'
import type { FastifyInstance } from 'fastify'
import { grantedAudiences } from '../grants/audiences.ts'
import { grantedAuthorizationDetails } from '../grants/authorization-details.ts'
import type { Authorization, Grant } from '../grants/grant.ts'
import { grantedScopes } from '../grants/scopes.ts'
import type { DpopVerifier } from '../sender-constraint/dpop.ts'
import type { AccessTokenContent, AccessTokens } from '../tokens/access-token.ts'
import { authenticateCaller, type Caller, type IssuerLookups, required } from './caller.ts'
import { confirmCaller } from './sender.ts'

export interface TokenEndpoint {
  lookups: IssuerLookups
  grants: readonly Grant[]
  accessTokens: AccessTokens
  dpop: DpopVerifier
  now: () => number
}

export function tokenEndpoint(app: FastifyInstance, options: TokenEndpoint): void {
  const { lookups, grants, accessTokens, dpop, now } = options
  const byType = new Map(grants.map((grant) => [grant.type, grant]))

  app.post('/:auth_server/token', async (request, reply) => {
    const caller = await authenticateCaller(lookups, request)
    const grant = grantOf(byType, caller)
    const requestedAt = now()
    const confirmation = await confirmCaller(dpop, caller, request, reply, requestedAt)
    const authorization = await grant.authorize({ ...caller, confirmation, now: requestedAt })
    const content = contentOf(caller, authorization, confirmation, requestedAt)
    const { token } = await accessTokens.issue(caller, content, requestedAt)
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send({
      access_token: token,
      token_type: tokenTypeOf(content.confirmation),
      expires_in: content.lifetime,
      ...(content.scopes.length > 0 && { scope: formatScope(content.scopes) }),
      ...(content.authorizationDetails.length > 0 && { authorization_details: content.authorizationDetails }),
    })
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
  confirmation: Confirmation | undefined,
  requestedAt: number,
): AccessTokenContent {
  return {
    format: client.settings.access_token_format ?? 'jwt',
    subject: authorization.subject,
    clientId: client.id,
    audiences: grantedAudiences(authServer, client, form, authorization.audienceCeiling),
    scopes: grantedScopes(authServer, client, form.get('scope'), authorization.scopeCeiling),
    authorizationDetails: grantedAuthorizationDetails(
      authServer,
      client,
      form.get('authorization_details'),
      authorization.authorizationDetailsCeiling,
    ),
    lifetime: lifetimeOf({ authServer, client }, authorization.notAfter, requestedAt),
    confirmation,
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
