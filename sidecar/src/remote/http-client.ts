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

const maxResponseBytes = 512 * 1024

export function createHttpClient(): HttpClient {
  const agent = new Agent({
    connections: 128,
    pipelining: 1,
    maxResponseSize: maxResponseBytes,
    maxHeaderSize: 16 * 1024,
    connect: { timeout: 2_000 },
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
    close: () => agent.destroy(),
  }
}

/** The body of a form (RFC 6749 appendix B). */
export function formBody(parameters: Record<string, string>): string {
  return new URLSearchParams(parameters).toString()
}
