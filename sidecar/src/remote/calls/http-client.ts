/** Every outgoing request: a deadline, a bound on the answer, no redirects, JSON in and out. */
import { Agent, request } from 'undici'
import { traceHeaders } from '../../tracing.ts'

export interface HttpRequest {
  method: 'GET' | 'POST'
  url: string
  headers?: Record<string, string>
  body?: string
  /** Deadline for the whole exchange. */
  timeoutMs: number
  /** Ends the exchange earlier. */
  signal?: AbortSignal
}

export interface HttpAnswer {
  status: number
  /** The parsed body; undefined where it is empty, a JWT, or the page of an error. */
  json: unknown
  /** The body where it is a JWT. */
  jwt?: string
  /** The header of that name. */
  cacheControl?: string
  /** To be used in the next proof (RFC 9449 section 8). */
  dpopNonce?: string
}

export interface HttpClient {
  /** @throws Error where the exchange fails, takes too long, or the body is too large, or neither JSON nor a JWT */
  send(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

export interface DrainingHttpClient extends HttpClient {
  /** Takes no more requests, and ends once those under way have. */
  drain(): Promise<void>
}

const maxResponseBytes = 512 * 1024

/** @param tls of all its connections, as PEM: our certificate with its key, who vouches for servers */
export function createHttpClient(tls: { cert?: string; key?: string; ca?: string } = {}): DrainingHttpClient {
  const agent = new Agent({
    connections: 128,
    pipelining: 1,
    maxResponseSize: maxResponseBytes,
    maxHeaderSize: 16 * 1024,
    connect: { timeout: 2_000, ...tls },
    keepAliveTimeout: 30_000,
  })
  return {
    async send({ timeoutMs, signal, url, headers, ...rest }) {
      const deadline = AbortSignal.timeout(timeoutMs)
      const response = await request(url, {
        ...rest,
        dispatcher: agent,
        headers: { accept: 'application/json', ...traceHeaders(), ...headers },
        signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      })
      const text = await response.body.text()
      const contentType = single(response.headers['content-type'])
      const cacheControl = single(response.headers['cache-control'])
      const dpopNonce = single(response.headers['dpop-nonce'])
      const body = parseBody(text, response.statusCode, contentType)
      return {
        status: response.statusCode,
        ...body,
        ...(cacheControl !== undefined && { cacheControl }),
        ...(dpopNonce !== undefined && { dpopNonce }),
      }
    },
    drain: () => agent.close(),
    close: () => agent.destroy(),
  }
}

/** Of a header that is there several times, none is taken. */
function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

const jwtType = /^application\/([a-z0-9.-]+\+)?jwt\s*(;|$)/i

/** @throws SyntaxError where a success is no JSON; what a proxy says of an error often is none */
function parseBody(text: string, status: number, contentType = ''): { json: unknown; jwt?: string } {
  if (jwtType.test(contentType)) return { json: undefined, jwt: text }
  try {
    return { json: text === '' ? undefined : JSON.parse(text) }
  } catch (error) {
    if (status >= 300) return { json: undefined }
    throw error
  }
}

/** The body of a form (RFC 6749 appendix B). */
export function formBody(parameters: readonly (readonly [name: string, value: string])[]): string {
  return new URLSearchParams(parameters.map(([name, value]) => [name, value])).toString()
}
