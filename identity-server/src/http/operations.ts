/** The operator's port: health, readiness, metrics. Nothing here is for clients, so it listens apart. */
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'

export interface HttpMetrics {
  observe(request: FastifyRequest, reply: FastifyReply): void
  /** The Prometheus text format. */
  render(): Promise<{ contentType: string; body: string }>
}

/** Labels are route patterns and status codes, so their number is bounded whatever clients send. */
export function createHttpMetrics(): HttpMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'postern_http_requests_total',
    help: 'Requests answered, by route and status',
    labelNames: ['route', 'status'],
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'postern_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer, by route',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  })
  return {
    observe(request, reply) {
      const route = request.routeOptions.url ?? 'unknown'
      requests.inc({ route, status: reply.statusCode })
      durations.observe({ route }, reply.elapsedTime / 1000)
    },
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

export interface OperationsOptions {
  logger: FastifyBaseLogger
  metrics: HttpMetrics
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
