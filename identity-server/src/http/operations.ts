/** The operator's port: health, readiness, metrics. Nothing here is for clients, so it listens apart. */
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { MasterKeyUses } from '../keys/master-key-use.ts'
import type { Metrics } from '../metrics.ts'

export interface OperationsOptions {
  logger: FastifyBaseLogger
  metrics: Pick<Metrics, 'render'>
  /** Whether requests can be served now. */
  ready(): Promise<boolean>
  masterKeyUses: Pick<MasterKeyUses, 'needed'>
}

export function createOperationsApp({ logger, metrics, ready, masterKeyUses }: OperationsOptions): FastifyInstance {
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
    const status = isReady ? 'ready' : 'not ready'
    return reply.code(isReady ? 200 : 503).send({ status, master_keys: masterKeyUses.needed() })
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metrics.render()
    return reply.type(contentType).send(body)
  })
  return app
}
