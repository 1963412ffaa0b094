/** Traces, through OpenTelemetry's API alone: where the operator registers no SDK before the start, nothing of it runs. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

export const tracer = trace.getTracer('postern-sidecar')

/** Only what an SDK makes has an identity. */
export function hasSdk(): boolean {
  return trace.isSpanContextValid(tracer.startSpan('probe').spanContext())
}

/** A span for what is asked of somebody else, as part of the decision's. @param name must hold nothing secret */
export function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!trace.getActiveSpan()) return work()
  return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT }, async (span) => {
    try {
      return await work()
    } catch (error) {
      // The kind of error only: its message may hold what somebody sent.
      const kind = error instanceof Error ? error.name : 'unknown'
      span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', kind)
      throw error
    } finally {
      span.end()
    }
  })
}

/** Headers that continue the trace at whoever is asked; none without one. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  if (trace.getActiveSpan()) propagation.inject(context.active(), headers)
  return headers
}
