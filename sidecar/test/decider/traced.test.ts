/** With an SDK registered, as an operator does it: before the sidecar starts. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startBench, type TestBench, withIntrospection } from '../support/sidecar.ts'

describe('traces with an SDK', () => {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  let bench: TestBench

  beforeAll(async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    trace.setGlobalTracerProvider(provider)
    bench = await startBench({ issuer: withIntrospection })
  })
  afterAll(async () => {
    await bench.close()
    await provider.shutdown()
  })
  beforeEach(() => exporter.reset())

  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = ['Traceparent', `00-${traceId}-b7ad6b7169203331-01`]
  const span = (name: string) => exporter.getFinishedSpans().find((finished) => finished.name === name)

  test('a decision continues the trace that the request names, and what it asks is part of it', async () => {
    bench.issuer.introspects('opaque', { active: true, ...bench.issuer.claims() })
    await bench.decide(['authorization', 'Bearer opaque', ...traceparent])
    const decision = span('decision')
    expect(decision?.spanContext().traceId).toBe(traceId)
    expect(decision?.parentSpanContext?.spanId).toBe('b7ad6b7169203331')
    expect(decision?.attributes).toEqual({ 'postern.policy': 'main', 'postern.decision': 'allow' })
    const asked = span('test introspection')
    expect(asked?.kind).toBe(SpanKind.CLIENT)
    expect(asked?.parentSpanContext?.spanId).toBe(decision?.spanContext().spanId)
  })

  test('one that cannot be made is an error, and no span holds the token', async () => {
    bench.issuer.behave('introspection', 'status500')
    await bench.decide(['authorization', 'Bearer secret-token'])
    expect(span('decision')?.status.code).toBe(SpanStatusCode.ERROR)
    expect(span('test introspection')?.status.code).toBe(SpanStatusCode.ERROR)
    const told = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
    expect(JSON.stringify(told)).not.toContain('secret-token')
  })

  test('a cached one has its span too', async () => {
    const authorization = ['authorization', `Bearer ${await bench.issuer.mint()}`]
    await bench.decide(authorization)
    exporter.reset()
    await bench.decide(authorization)
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['decision'])
  })
})
