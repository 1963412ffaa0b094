/** Answers in place of the upstream. The one place of the plugin where an error becomes HTTP. */
import type { Deny, Unavailable } from '@postern/protocol/decision'
import { SidecarError } from '@postern/sdk/sidecar'
import type { FastifyReply } from 'fastify'

/** As the sidecar decided. */
export function refuse(reply: FastifyReply, { status, headers, body }: Deny | Unavailable): void {
  reply.code(status).header('cache-control', 'no-store').headers(headers).send(body)
}

/** The target means different things to different readers, so no decision about it could be kept. */
export function refuseTarget(reply: FastifyReply): void {
  const error_description = 'the request target is ambiguous'
  reply.code(400).header('cache-control', 'no-store').send({ error: 'invalid_request', error_description })
}

/** There is no decision, whatever the reason: the request does not pass. */
export function refuseUnasked(reply: FastifyReply, error: unknown): void {
  reply.log.warn({ err: error }, 'no decision from the sidecar: the request is refused')
  if (error instanceof SidecarError && error.code === 'query_refused') {
    const error_description = 'the request exceeds the limits of this gateway'
    return void reply
      .code(431)
      .header('cache-control', 'no-store')
      .send({ error: 'invalid_request', error_description })
  }
  const error_description = 'the request could not be authorized at this time'
  reply
    .code(503)
    .headers({ 'retry-after': '1', 'cache-control': 'no-store' })
    .send({ error: 'temporarily_unavailable', error_description })
}
