/**
 * Traces, through OpenTelemetry's API alone: where the operator registers no SDK, spans are no-ops. The trace of a request
 * is known all the same where the request names one, so that events and log lines can be found by it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Attributes, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

export const tracer = trace.getTracer('postern-identity-server')

/** The trace that a request names, while it is answered and no SDK keeps it. */
const named = new AsyncLocalStorage<string>()

/** Runs `work`, and all that it begins, as part of a trace that nobody but us keeps. */
export function withTraceId<T>(traceId: string, work: () => T): T {
  return named.run(traceId, work)
}

/** The trace of the request that is being answered. */
export function currentTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId ?? named.getStore()
}

/**
 * A span for what we ask of somebody else, the database or a tenant's URL, as part of the span of the request. What
 * happens in the background is no part of any, and has none.
 * @param attributes must hold nothing secret
 */
export function traced<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  if (!trace.getActiveSpan()) return work()
  return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    try {
      return await work()
    } catch (error) {
      // The kind of error only: its message may hold what a client sent.
      const kind = error instanceof Error ? error.name : 'unknown'
      span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', kind)
      throw error
    } finally {
      span.end()
    }
  })
}
