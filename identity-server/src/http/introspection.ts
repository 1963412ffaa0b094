import type { EventRecorder } from '../events/recorder.ts'
import { required } from '../form.ts'
import { type Introspector, introspectToken } from '../tokens/introspect.ts'
import { prefersSigned, signedIntrospection, signIntrospection } from '../tokens/signed-introspection.ts'
import { authenticateConfidential, type IssuerLookups } from './caller.ts'
import type { FormRoutes } from './form-endpoint.ts'

export interface IntrospectionEndpoint {
  lookups: IssuerLookups
  introspector: Introspector
  events: Pick<EventRecorder, 'record'>
  now: () => number
}

/** The introspection endpoint (RFC 7662 section 2), with signed answers where they are asked for (RFC 9701). */
export function introspectionEndpoint(routes: FormRoutes, options: IntrospectionEndpoint): void {
  const { lookups, introspector, events, now } = options

  routes.post('/:auth_server/introspect', async (request, reply) => {
    const caller = await authenticateConfidential(lookups, request)
    const token = required(caller.form, 'token')
    const answer = await introspectToken(introspector, caller, caller.client, token, now())
    events.record(caller.authServer.id, {
      type: 'token.introspected',
      client_id: caller.client.id,
      active: answer.active,
      jti: 'jti' in answer ? answer.jti : undefined,
    })
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache', vary: 'accept' })
    if (!prefersSigned(request.headers.accept)) return reply.send(answer)
    return reply.type(signedIntrospection).send(await signIntrospection(caller, caller.client.id, answer, now()))
  })
}
