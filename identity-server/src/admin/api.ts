/** The admin API: its resources, its authorization, and the OpenAPI 3.1 document that describes them. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { issuerOf } from '../tenancy/auth-servers.ts'
import { adminScopes, systemAuthServer } from '../tenancy/system.ts'
import { authorizeRequests } from './admin-request.ts'
import type { OpenAccess } from './audited-access.ts'
import type { AuthorizeAdmin } from './authorize.ts'
import type { AdminDeps } from './deps.ts'
import { adminResources } from './list.ts'
import { describeValidation } from './validation.ts'

export interface AdminApi extends AdminDeps {
  authorize: AuthorizeAdmin
  openAccess: OpenAccess
}

export async function adminApi(app: FastifyInstance, { authorize, openAccess, ...deps }: AdminApi): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Postern admin API', version: '1', license: { name: 'Apache-2.0' } },
      servers: [{ url: deps.publicOrigin }],
      components: {
        securitySchemes: {
          admin: {
            type: 'oauth2',
            flows: {
              clientCredentials: {
                tokenUrl: `${issuerOf(deps.publicOrigin, systemAuthServer)}/token`,
                scopes: { [adminScopes.read]: 'Read everything', [adminScopes.write]: 'Change everything' },
              },
            },
          },
        },
      },
    },
  })
  // The document tells nothing that the source does not, so it needs no token.
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  app.setSchemaErrorFormatter(describeValidation)
  await app.register(async (protectedApi) => {
    authorizeRequests(protectedApi, authorize)
    for (const register of adminResources(deps)) register(protectedApi, openAccess)
  })
}
