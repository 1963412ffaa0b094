/** A span for each decision, as part of the trace that the request names (W3C Trace Context), whatever the transport. */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api'
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import { tracer } from '../tracing.ts'
import type { Decider } from './decider.ts'

/** For processes with an SDK: without one, nothing should be in the way of a decision. */
export function createTracedDecider(decider: Decider): Decider {
  return {
    decide(policy, request) {
      const parent = propagation.extract(ROOT_CONTEXT, request, headers)
      const span = tracer.startSpan('decision', { attributes: { 'postern.policy': policy } }, parent)
      const decision = context.with(trace.setSpan(parent, span), () => decider.decide(policy, request))
      if (decision instanceof Promise) return decision.then((made) => end(span, made))
      return end(span, decision)
    },
  }
}

function end(span: Span, decision: Decision): Decision {
  span.setAttribute('postern.decision', decision.decision)
  if (decision.decision === 'unavailable') span.setStatus({ code: SpanStatusCode.ERROR })
  if (decision.decision !== 'allow') span.setAttribute('error.type', decision.body.error)
  span.end()
  return decision
}

const headers: TextMapGetter<DecisionRequest> = {
  keys: (request) => request.headers.filter((_name, index) => index % 2 === 0),
  get(request, wanted) {
    const at = request.headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === wanted)
    return at < 0 ? undefined : request.headers[at + 1]
  },
}
