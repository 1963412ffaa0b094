/** A span for each request, continuing the trace that the request names (W3C Trace Context). */
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { parseTraceparent } from '@postern/protocol/trace-context'
import type { FastifyInstance } from 'fastify'
import { tracer, withTraceId } from '../tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The trace that the request belongs to, where there is one. */
    traceId: string | undefined
    traceContext: Context | undefined
  }
}

/** With an SDK, which must be registered before: spans, kept by it. Without: the trace's id, where the request names one. */
export function traceRequests(app: FastifyInstance): void {
  app.decorateRequest('traceId', undefined)
  app.decorateRequest('traceContext', undefined)
  if (hasSdk()) keepSpans(app)
  else keepIds(app)
}

function keepSpans(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, routeOptions, headers } = request
    const route = routeOptions.url ?? 'unknown'
    const attributes = { 'http.request.method': method, 'http.route': route }
    const parent = propagation.extract(ROOT_CONTEXT, headers)
    const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent)
    request.traceId = span.spanContext().traceId
    request.traceContext = trace.setSpan(parent, span)
    done()
  })
  // Not before: the body comes in on the connection's behalf, and what follows it would not be the request's.
  app.addHook('preValidation', ({ traceContext = ROOT_CONTEXT }, _reply, done) => context.with(traceContext, done))
  app.addHook('onResponse', (request, reply, done) => {
    const span = request.traceContext && trace.getSpan(request.traceContext)
    if (span) end(span, reply.statusCode)
    done()
  })
}

function end(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status)
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

function keepIds(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { traceparent } = request.headers
    if (typeof traceparent === 'string') request.traceId = parseTraceparent(traceparent)
    done()
  })
  app.addHook('preValidation', ({ traceId }, _reply, done) => {
    if (traceId === undefined) done()
    else withTraceId(traceId, done)
  })
}

/** Only what an SDK makes has an identity. */
export function hasSdk(): boolean {
  return trace.isSpanContextValid(tracer.startSpan('probe').spanContext())
}
