/** The public HTTP server: the OAuth endpoints of every auth server, and the admin API. */
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { type AdminApi, adminApi } from '../admin/api.ts'
import { Problem } from '../admin/problem.ts'
import type { Metrics } from '../metrics.ts'
import { endConnections } from './closing.ts'
import { connectionLimits } from './connection-limits.ts'
import { answerBearerError, answerOAuthError, answerProblem } from './errors.ts'
import { type EventsEndpoint, eventsEndpoint } from './events.ts'
import { openExpressLane } from './express-lane.ts'
import { parseForm } from './form.ts'
import { introspectionEndpoint } from './introspection.ts'
import { type MetadataEndpoints, metadataEndpoints } from './metadata.ts'
import { type RegistrationEndpoint, registrationEndpoint } from './registration.ts'
import { revocationEndpoint } from './revocation.ts'
import { type TokenEndpoint, tokenEndpoint } from './token.ts'
import { hasSdk, traceRequests } from './tracing.ts'

export interface AppOptions {
  logger: FastifyBaseLogger
  metrics: Pick<Metrics, 'observeRequest'>
  oauth: TokenEndpoint &
    MetadataEndpoints &
    EventsEndpoint &
    RegistrationEndpoint &
    Parameters<typeof introspectionEndpoint>[1] &
    Parameters<typeof revocationEndpoint>[1]
  admin: AdminApi
}

const maxBodyBytes = 64 * 1024

export async function createApp({ logger, metrics, oauth, admin }: AppOptions): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    // Few requests are logged, so none gets a logger of its own: errors.ts names the request.
    childLoggerFactory: (parent) => parent,
    bodyLimit: maxBodyBytes,
    requestTimeout: connectionLimits.requestTimeout,
    connectionTimeout: connectionLimits.connectionTimeout,
    keepAliveTimeout: connectionLimits.keepAliveTimeout,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: connectionLimits.maxHeaderSize },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: true } },
    return503OnClosing: true,
    // A scope of 200 characters, each of them percent-encoded, still names a scope.
    routerOptions: { maxParamLength: 1024 },
    frameworkErrors: answerProblem,
  })
  traceRequests(app)
  app.addHook('onResponse', (request, reply, done) => {
    metrics.observeRequest(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime)
    done()
  })
  endConnections(app, oauth.closing)
  app.setErrorHandler(answerProblem)
  app.setNotFoundHandler((request, reply) => answerProblem(new Problem('not_found'), request, reply))

  await app.register(async (endpoints) => {
    endpoints.setErrorHandler(answerOAuthError)
    endpoints.decorateRequest('form', null)
    endpoints.removeContentTypeParser(['application/json', 'text/plain'])
    endpoints.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'buffer' },
      (request, body, done) => {
        try {
          request.form = parseForm(typeof body === 'string' ? Buffer.from(body) : body)
          done(null)
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)))
        }
      },
    )
    // Spans are Fastify's to keep.
    const { closing } = oauth
    const routes = hasSdk() ? endpoints : openExpressLane(endpoints, { logger, metrics, maxBodyBytes, closing })
    tokenEndpoint(routes, oauth)
    introspectionEndpoint(routes, oauth)
    revocationEndpoint(routes, oauth)
  })
  await app.register(async (endpoints) => {
    endpoints.setErrorHandler(answerOAuthError)
    metadataEndpoints(endpoints, oauth)
    eventsEndpoint(endpoints, oauth)
  })
  await app.register(async (endpoints) => {
    endpoints.setErrorHandler(answerBearerError)
    registrationEndpoint(endpoints, oauth)
  })
  await app.register(async (api) => adminApi(api, admin), { prefix: '/admin/v1' })
  return app
}
