import type { FastifyInstance } from 'fastify'
import { type Introspector, introspectToken } from '../tokens/introspect.ts'
import { authenticateConfidential, type IssuerLookups, required } from './caller.ts'

/** The introspection endpoint (RFC 7662 section 2). */
export function introspectionEndpoint(
  app: FastifyInstance,
  { lookups, introspector, now }: { lookups: IssuerLookups; introspector: Introspector; now: () => number },
): void {
  app.post('/:auth_server/introspect', async (request, reply) => {
    const caller = await authenticateConfidential(lookups, request)
    const token = required(caller.form, 'token')
    const answer = await introspectToken(introspector, caller, caller.client, token, now())
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send(answer)
  })
}
