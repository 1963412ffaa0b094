/** The demo gateway: a reverse proxy in a few lines, with the Postern plugin in front of every route. */
import type { IncomingHttpHeaders } from 'node:http'
import replyFrom from '@fastify/reply-from'
import postern from '@postern/fastify'
import fastify, { type FastifyInstance, LogController } from 'fastify'

export interface GatewayOptions {
  sidecarUrl: string
  upstreamUrl: string
  policy: string
}

export async function createGateway({ sidecarUrl, upstreamUrl, policy }: GatewayOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: { level: 'info' },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024 * 1024,
  })
  // Bodies pass through as they came.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  await app.register(postern, { sidecar: { url: sidecarUrl }, policy })
  const undici = { connections: 64, headersTimeout: 5_000 }
  // What the upstream answers is the answer: asking it again is the client's to decide.
  await app.register(replyFrom, { base: upstreamUrl, undici, retryMethods: [] })
  app.get('/healthz', { config: { postern: false } }, async () => ({ status: 'ok' }))
  app.all('/*', (request, reply) => reply.from(request.url, { rewriteRequestHeaders: withoutExpectation }))
  return app
}

/** The gateway has answered `Expect: 100-continue` itself by then, and undici refuses to send it on. */
function withoutExpectation(_request: unknown, { expect, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers
}
