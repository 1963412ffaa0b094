/** Authorization of admin requests, before their body is read: each route names the scope that it requires. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Admin, AuthorizeAdmin } from './authorize.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that the route requires. */
    scope?: string
  }
  interface FastifyRequest {
    admin: Admin | null
  }
}

export function authorizeRequests(app: FastifyInstance, authorize: AuthorizeAdmin): void {
  app.decorateRequest('admin', null)
  app.addHook('onRequest', async (request) => {
    const { scope } = request.routeOptions.config
    if (scope === undefined) throw new Error('an admin route names no scope')
    request.admin = await authorize(request.raw, scope)
  })
}

/** The authorized admin of the request. */
export function adminOf(request: FastifyRequest): Admin {
  if (!request.admin) throw new Error('an admin route ran without authorization')
  return request.admin
}
