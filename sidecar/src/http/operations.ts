/** The admin port: health, readiness, metrics. */
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Registry } from 'prom-client'

export interface OperationsOptions {
  logger: FastifyBaseLogger
  registry: Registry
  readiness: {
    /** What keeps requests from being served now; empty: nothing. */
    obstacles(): string[]
    /** What is wrong, but keeps no request from being served. */
    notes(): string[]
  }
}

export function createOperationsApp({ logger, registry, readiness }: OperationsOptions): FastifyInstance {
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024,
  })
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const reasons = readiness.obstacles()
    const ready = reasons.length === 0
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ready' : 'not ready', reasons, notes: readiness.notes() })
  })
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  return app
}
