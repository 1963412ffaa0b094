/**
 * The short way to the endpoints that take a form, by node:http alone: tokens are asked for, and asked about, by the
 * thousand, and a sixth of what each costs was Fastify's (docs/decisions/0023).
 *
 * Only requests of the plainest shape take it. All others go Fastify's way to the same endpoint: those that are to be
 * refused before an endpoint sees them, that name a trace, that come while the server closes, or that merely spell
 * something differently.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { atEndOfTurn } from '../bursts.ts'
import type { Metrics } from '../metrics.ts'
import { answerOAuthError } from './errors.ts'
import { parseForm } from './form.ts'
import type { FormEndpoint, FormReply, FormRequest, FormRoutes } from './form-endpoint.ts'

export interface ExpressLaneOptions {
  logger: FastifyBaseLogger
  metrics: Pick<Metrics, 'observeRequest'>
  maxBodyBytes: number
  /** Aborted when the server closes. */
  closing: AbortSignal
}

interface Route {
  /** As Fastify knows it. */
  path: string
  endpoint: FormEndpoint
}

const authServerParameter = '/:auth_server'
const formType = 'application/x-www-form-urlencoded'
const jsonType = 'application/json; charset=utf-8'

/**
 * @param app where all requests arrive
 * @returns routes that are made known to both
 */
export function openExpressLane(app: FastifyInstance, options: ExpressLaneOptions): FormRoutes {
  const { maxBodyBytes, closing } = options
  /** By what follows the auth server's id. */
  const routes = new Map<string, Route>()
  const serve = createServe(options)

  const isPlain = ({ method, headers }: IncomingMessage): boolean => {
    if (method !== 'POST' || headers['content-type'] !== formType || headers.traceparent !== undefined) return false
    // Where no length is told (chunked), it is for Fastify to count.
    const length = Number(headers['content-length'])
    return length > 0 && length <= maxBodyBytes && !closing.aborted
  }

  app.server.removeAllListeners('request')
  app.server.on('request', (raw: IncomingMessage, response: ServerResponse<IncomingMessage>) => {
    const { url = '' } = raw
    const end = url.indexOf('/', 1)
    const route = isPlain(raw) ? routes.get(url.slice(end)) : undefined
    if (route) serve(route, url.slice(1, end), raw, response)
    else app.routing(raw, response)
  })
  return {
    post(path, endpoint) {
      app.post(path, endpoint)
      routes.set(path.slice(authServerParameter.length), { path, endpoint })
    },
  }
}

interface Asked {
  answer(): Promise<void>
  route: Route
  response: ServerResponse
}

function createServe({ logger, metrics, closing }: ExpressLaneOptions) {
  let served = 0
  const answerSoon = atEndOfTurn(({ answer, route, response }: Asked) => {
    answer().catch((error: unknown) => {
      logger.error({ err: error, route: route.path }, 'an answer could not be sent')
      response.destroy()
    })
  })

  return (route: Route, authServer: string, raw: IncomingMessage, response: ServerResponse<IncomingMessage>) => {
    const begun = performance.now()
    const number = served++
    const chunks: Buffer[] = []
    const observe = () => metrics.observeRequest(route.path, response.statusCode, performance.now() - begun)

    const answer = async () => {
      const { method = '', url = '', headers } = raw
      const request: FormRequest = {
        // Fastify numbers its own with a prefix that ends in a hyphen.
        id: `express-${number.toString(36)}`,
        method,
        url,
        params: { auth_server: authServer },
        headers,
        raw,
        form: null,
        traceId: undefined,
        log: logger,
        routeOptions: { url: route.path },
      }
      const reply = createReply(response, closing)
      try {
        request.form = parseForm(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
        await route.endpoint(request, reply)
      } catch (error) {
        answerOAuthError(error, request, reply)
      }
      observe()
    }
    raw.on('data', (chunk: Buffer) => chunks.push(chunk))
    raw.on('end', () => answerSoon({ answer, route, response }))
  }
}

function createReply(response: ServerResponse, closing: AbortSignal): FormReply {
  const headers: Record<string, string | number> = {}
  const reply: FormReply = {
    code(status) {
      response.statusCode = status
      return reply
    },
    header(name, value) {
      headers[name] = value
      return reply
    },
    headers(values) {
      Object.assign(headers, values)
      return reply
    },
    type: (contentType) => reply.header('content-type', contentType),
    send(body) {
      const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
      if (text !== body) headers['content-type'] ??= jsonType
      const length = text === undefined ? 0 : Buffer.byteLength(text)
      headers['content-length'] = length
      if (closing.aborted) headers.connection = 'close'
      response.writeHead(response.statusCode, headers)
      // As long in bytes as in characters, it is ASCII, and need not be encoded.
      return response.end(text, length === text?.length ? 'latin1' : 'utf8')
    },
  }
  return reply
}
