/** With an SDK registered, as an operator does it: before the server starts. */
import { context, propagation, SpanKind, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { databases, type Store } from '../support/databases.ts'
import { postForm, send } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { createTenant, type Tenant } from '../support/tenant.ts'

const [database] = databases

describe('traces with an SDK', () => {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  let store: Store | undefined
  let server: TestServer
  let tenant: Tenant

  beforeAll(async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    trace.setGlobalTracerProvider(provider)
    store = await database?.start()
    if (!store) throw new Error('no store')
    server = await startTestServer(store)
    tenant = await createTenant(server)
  })
  afterAll(async () => {
    await server?.close()
    await store?.stop()
    await provider.shutdown()
  })
  beforeEach(() => exporter.reset())

  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = `00-${traceId}-b7ad6b7169203331-01`
  const spans = () =>
    exporter.getFinishedSpans().map((span) => ({
      name: span.name,
      kind: span.kind,
      attributes: span.attributes,
      status: span.status,
      parent: span.parentSpanContext?.spanId,
      id: span.spanContext().spanId,
      traceId: span.spanContext().traceId,
    }))
  const ended = async (name: string) => {
    const deadline = Date.now() + 5_000
    for (;;) {
      const found = spans().find((span) => span.name === name)
      if (found) return found
      if (Date.now() > deadline) throw new Error(`no span ${name}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  test('a request continues the trace that it names, and what it asks of the database is part of it', async () => {
    const client = await tenant.client()
    const token = await tenant.token(client)
    exporter.reset()
    const answer = await postForm(`${tenant.issuer}/revoke`, { token }, client, { traceparent })
    expect(answer.status).toBe(200)
    const request = await ended('POST /:auth_server/revoke')
    expect(request).toMatchObject({
      kind: SpanKind.SERVER,
      traceId,
      parent: 'b7ad6b7169203331',
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/:auth_server/revoke',
        'http.response.status_code': 200,
      },
    })
    // Events of what went before may be stored meanwhile, in a trace of their own.
    const transactions = spans().filter((span) => span.name === 'transaction' && span.traceId === traceId)
    expect(transactions.length).toBeGreaterThan(0)
    for (const { parent } of transactions) expect(parent).toBe(request.id)
  })

  test('a request that names none begins one, and two at once do not mix', async () => {
    const client = await tenant.client()
    await Promise.all(Array.from({ length: 20 }, () => tenant.token(client)))
    await ended('POST /:auth_server/token')
    const requests = spans().filter(({ name }) => name === 'POST /:auth_server/token')
    const traces = new Set(requests.map((request) => request.traceId))
    expect(requests.length).toBeGreaterThanOrEqual(19)
    expect(traces.size).toBe(requests.length)
    expect(requests.every(({ parent }) => parent === undefined)).toBe(true)
  })

  test('a refusal is no error of ours; its log line names the trace', async () => {
    const refused = await postForm(`${tenant.issuer}/token`, 'grant_type=x', undefined, { traceparent })
    expect(refused.status).toBe(401)
    const span = await ended('POST /:auth_server/token')
    expect(span.status.code).toBe(0)
    expect(span.attributes['http.response.status_code']).toBe(401)
    const line = server
      .logs()
      .split('\n')
      .find((text) => text.includes('request refused') && text.includes(traceId))
    expect(line).toBeDefined()
  })

  test('no span holds a secret or a token', async () => {
    const client = await tenant.client()
    const token = await tenant.token(client)
    await tenant.introspect(client, token)
    await tenant.revoke(client, token)
    await tenant.tokenAnswer({ ...client, secret: 'guessed-secret-of-somebody' })
    await send(`${tenant.issuer}/token?client_secret=${client.secret}`, { method: 'POST' })
    await ended('POST /:auth_server/revoke')
    const text = JSON.stringify(spans())
    expect(text.length).toBeGreaterThan(1_000)
    for (const secret of [client.secret, token, 'guessed-secret-of-somebody']) expect(text.includes(secret)).toBe(false)
  })
})
