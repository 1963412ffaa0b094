/** What gateways ask over HTTP; listeners.ts says where. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { atEndOfTurn } from '../bursts.ts'
import type { Decider } from '../decider/decider.ts'
import { unavailable } from '../decider/refusals.ts'
import { safeReason } from '../failures.ts'
import type { DirectTransport, Transport } from '../transports/transport.ts'

export const connectionLimits = {
  maxHeaderSize: 64 * 1024,
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  // Node.js would look for what is too slow twice a minute only.
  connectionsCheckingInterval: 1_000,
  // A request without a body has no events of one: they would cost more than a cached decision.
  optimizeEmptyRequests: true,
  // One timer for each connection (listeners.ts), not one for each pause between two requests.
  keepAliveTimeout: 0,
}

export function createApp(
  logger: FastifyBaseLogger,
  transports: readonly Transport[],
  decider: Decider,
): FastifyInstance {
  const app = fastify({
    // Fastify would make a child logger for each request; the few that are worth a line are logged below.
    logger: false,
    bodyLimit: 256 * 1024,
    exposeHeadRoutes: false,
  })
  app.setErrorHandler((error, _request, reply) => {
    const refused = refusedStatus(error)
    if (refused !== undefined) return reply.code(refused).send({ error: 'invalid_request' })
    logger.error({ reason: safeReason(error) }, 'request failed')
    // 503 and not 500: it may be over soon, and gateways pass the time to wait on.
    return reply.code(unavailable.status).headers(unavailable.headers).send(unavailable.body)
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not_found' }))
  for (const transport of transports) transport(app, decider)
  return app
}

interface Asked {
  request: IncomingMessage
  response: ServerResponse
}

/** All requests: those of direct transports first, then the routes of the app. */
export function createRequestListener(
  app: FastifyInstance,
  direct: readonly DirectTransport[],
  decider: Decider,
  logger: Pick<FastifyBaseLogger, 'error'>,
): RequestListener {
  /** Nobody else would catch it, and it would end the process. */
  const fail = (error: unknown, response: ServerResponse) => {
    logger.error({ reason: safeReason(error) }, 'request failed')
    if (response.headersSent) response.destroy()
    else response.writeHead(unavailable.status, unavailable.headers).end()
  }
  const answerSoon = atEndOfTurn(({ request, response }: Asked) => {
    try {
      for (const transport of direct) {
        const answering = transport(request, response, decider)
        if (answering instanceof Promise) answering.catch((error: unknown) => fail(error, response))
        if (answering) return
      }
      app.routing(request, response)
    } catch (error) {
      fail(error, response)
    }
  })
  return (request, response) => answerSoon({ request, response })
}

/** The status of what Fastify refused before a handler ran: a body that is too large, or no JSON. */
function refusedStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const { statusCode } = error
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined
}
