/** The operator's port: health, readiness, metrics. Nothing here is for clients, so it listens apart. */
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Metrics } from '../metrics.ts'

export interface OperationsOptions {
  logger: FastifyBaseLogger
  metrics: Pick<Metrics, 'render'>
  /** Whether requests can be served now. */
  ready(): Promise<boolean>
}

export function createOperationsApp({ logger, metrics, ready }: OperationsOptions): FastifyInstance {
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024,
    requestTimeout: 10_000,
    forceCloseConnections: true,
  })
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const isReady = await ready()
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready' })
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metrics.render()
    return reply.type(contentType).send(body)
  })
  return app
}
