import type { FastifyRequest } from 'fastify'

/** What stands in the path at a parameter of the route; empty where the route has none of that name. */
export function pathParameter({ params }: FastifyRequest, name: string): string {
  return typeof params === 'object' && params !== null && Object.hasOwn(params, name)
    ? String(Reflect.get(params, name))
    : ''
}
