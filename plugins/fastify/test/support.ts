/** A stand-in for the sidecar that answers as a test says, a gateway that shows what it sees, and a raw client. */
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { type Allow, type Decision, DecisionQuery } from '@postern/protocol/decision'
import fastify, { type FastifyInstance } from 'fastify'
import Value from 'typebox/value'
import { afterEach } from 'vitest'
import postern from '../src/index.ts'

/** Answers each query with what the test says, and remembers the queries. */
export async function startSidecar(answer: (query: DecisionQuery) => Decision | number) {
  const queries: DecisionQuery[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const query = Value.Parse(DecisionQuery, JSON.parse(text))
    queries.push(query)
    const result = answer(query)
    if (typeof result === 'number') response.writeHead(result).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  return { url: `http://127.0.0.1:${address.port}`, queries }
}

export const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export const allow: Allow = {
  decision: 'allow',
  remove_headers: ['authorization', 'x-postern-subject', 'x-postern-scope'],
  set_headers: { authorization: 'Bearer upstream', 'x-postern-subject': 'alice' },
  expires_at: 4_000_000_000,
}
export const deny: Decision = {
  decision: 'deny',
  status: 403,
  headers: { 'www-authenticate': 'Bearer realm="postern", error="insufficient_scope"' },
  body: { error: 'insufficient_scope', error_description: 'more is needed' },
}

/** A gateway whose handlers show the headers that they see, in each of the ways Node offers. */
export async function startGateway(url: string, prepare?: (app: FastifyInstance) => void): Promise<FastifyInstance> {
  const app = fastify()
  closers.push(() => app.close())
  prepare?.(app)
  await app.register(postern, { sidecar: { url, timeoutMs: 500 }, policy: 'demo' })
  app.get('/echo', async (request) => ({
    headers: request.headers,
    raw: request.raw.headers,
    fields: request.raw.rawHeaders,
    distinct: request.raw.headersDistinct,
    decision: request.postern,
  }))
  app.get('/open', { config: { postern: false } }, async (request) => ({
    headers: request.headers,
    decision: request.postern,
  }))
  app.get('/other', { config: { postern: { policy: 'other' } } }, async () => 'other')
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

export interface Sent {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

export function send(
  app: FastifyInstance,
  {
    method = 'GET',
    path,
    fields = ['Host', 'g'],
  }: {
    method?: string
    path: string
    fields?: string[]
  },
): Promise<Sent> {
  const address = app.addresses()[0]
  const port = typeof address === 'object' ? address.port : undefined
  const hasConnection = fields.some((text) => text === 'Connection')
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      ...(port !== undefined && { port }),
      method,
      path,
      headers: hasConnection ? fields : [...fields, 'Connection', 'close'],
      agent: false,
    })
    outgoing.on('error', reject).on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += String(chunk)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
    outgoing.end()
  })
}

export function parsed({ text }: Sent) {
  return JSON.parse(text)
}
