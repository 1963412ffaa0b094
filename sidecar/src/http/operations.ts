/** The admin port: health, readiness, metrics, the configuration in force, and why a request gets what it gets. */
import { DecisionQuery, type DecisionRequest } from '@postern/protocol/decision'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Registry } from 'prom-client'
import { Compile } from 'typebox/compile'

export interface OperationsOptions {
  logger: FastifyBaseLogger
  registry: Registry
  /** The configuration in force, without secrets. */
  config(): unknown
  /** Why a request gets what it gets; undefined where there is no such policy. */
  explain(policy: string, request: DecisionRequest): Promise<object> | undefined
  readiness: {
    /** What keeps requests from being served now; empty: nothing. */
    obstacles(): string[]
    /** What is wrong, but keeps no request from being served. */
    notes(): string[]
    /** How recent what is known of revocations is. */
    feeds(): object
  }
}

const isQuery = Compile(DecisionQuery)
const maxRequestBytes = 256 * 1024

export function createOperationsApp(options: OperationsOptions): FastifyInstance {
  const { logger, registry, readiness } = options
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1024,
  })
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const reasons = readiness.obstacles()
    const ready = reasons.length === 0
    return reply.code(ready ? 200 : 503).send({
      status: ready ? 'ready' : 'not ready',
      reasons,
      notes: readiness.notes(),
      revocation_feeds: readiness.feeds(),
    })
  })
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  app.get('/config', async (_request, reply) => reply.send(options.config()))
  app.post('/explain', { bodyLimit: maxRequestBytes }, async (request, reply) => {
    const body: unknown = request.body
    if (!isQuery.Check(body)) return reply.code(400).send({ error: 'invalid_request' })
    const explained = await options.explain(body.policy, body.request)
    return explained ? reply.send(explained) : reply.code(404).send({ error: 'unknown_policy' })
  })
  return app
}
