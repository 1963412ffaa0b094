/** The token endpoint (RFC 6749 section 3.2): the phases that every grant goes through, in their order. */
import { OAuthError } from '@postern/protocol/oauth-error'
import { formatScope } from '@postern/protocol/scope'
import type { FastifyInstance } from 'fastify'
import type { Grant } from '../grants/grant.ts'
import { grantedScopes } from '../grants/scopes.ts'
import { issueAccessToken } from '../tokens/access-token.ts'
import { authenticateCaller, type IssuerLookups, required } from './caller.ts'

export interface TokenEndpoint {
  lookups: IssuerLookups
  grants: readonly Grant[]
  now: () => number
}

export function tokenEndpoint(app: FastifyInstance, { lookups, grants, now }: TokenEndpoint): void {
  const byType = new Map(grants.map((grant) => [grant.type, grant]))

  app.post('/:auth_server/token', async (request, reply) => {
    const { authServer, keys, client, form } = await authenticateCaller(lookups, request)
    const grant = byType.get(required(form, 'grant_type'))
    if (!grant) throw new OAuthError('unsupported_grant_type', 'the grant type is not supported')
    if (!client.grantTypes.includes(grant.type)) {
      throw new OAuthError('unauthorized_client', 'the client may not use this grant type')
    }
    const scopes = grantedScopes(authServer, client, form.get('scope'))
    const authorization = await grant.authorize({ authServer, client, form, scopes })
    const lifetime = client.accessTokenLifetime ?? authServer.accessTokenLifetime
    const accessToken = await issueAccessToken(
      keys,
      {
        issuer: authServer.issuer,
        subject: authorization.subject,
        clientId: client.id,
        audience: client.audience ?? authServer.audience,
        scopes: authorization.scopes,
        lifetime,
      },
      now(),
    )
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send({
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: lifetime,
      ...(authorization.scopes.length > 0 && { scope: formatScope(authorization.scopes) }),
    })
  })
}
