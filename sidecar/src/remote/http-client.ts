/** Every outgoing request: a deadline, a bound on the answer, no redirects, JSON in and out. */
import { Agent, request } from 'undici'

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
  /** The parsed body; undefined where it is empty. */
  json: unknown
}

export interface HttpClient {
  /** @throws Error where the exchange fails, takes too long, or the body is too large or no JSON */
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
        headers: { accept: 'application/json', ...headers },
        signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      })
      const text = await response.body.text()
      return { status: response.statusCode, json: text === '' ? undefined : JSON.parse(text) }
    },
    drain: () => agent.close(),
    close: () => agent.destroy(),
  }
}

/** The body of a form (RFC 6749 appendix B). */
export function formBody(parameters: readonly (readonly [name: string, value: string])[]): string {
  return new URLSearchParams(parameters.map(([name, value]) => [name, value])).toString()
}
