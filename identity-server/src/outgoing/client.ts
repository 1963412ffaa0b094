/**
 * The one client for URLs that tenants give (`jwks_uri`, attribute sources): only public addresses over https, one
 * deadline for everything, a bound on every size, no redirects, no cookies, JSON. What may be asked is in url.ts, where
 * connections may lead in connector.ts.
 */
import { getCACertificates } from 'node:tls'
import { Agent, type Dispatcher, request } from 'undici'
import { traced } from '../tracing.ts'
import { createGuardedConnector } from './connector.ts'
import { OutgoingError } from './error.ts'
import { readJson } from './read-json.ts'
import { createDnsResolve, type Resolve, systemResolve } from './resolve.ts'
import { checkOutgoingUrl, type OutgoingRules, parseOutgoingUrl } from './url.ts'

export interface OutgoingRequest {
  method?: 'GET' | 'POST'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** The acceptable content types; a body of another is refused. Default: `application/json`. */
  mediaTypes?: readonly string[]
  /** ms for everything from the name to the last byte. */
  timeoutMs?: number
  maxBytes?: number
}

export interface OutgoingClient {
  /** The parsed body of a 200. @throws OutgoingError */
  fetchJson(url: string, request?: OutgoingRequest): Promise<unknown>
  /** What is wrong with a URL that is to be stored (see `checkOutgoingUrl`); undefined: nothing. */
  checkUrl(url: string): OutgoingError['reason'] | undefined
  /** Ends connections and requests. */
  close(): Promise<void>
}

export interface OutgoingOptions extends OutgoingRules {
  /** PEM certificates that are trusted beside the usual ones. */
  ca?: readonly string[]
  /** Default: name servers, or the system's own way where private addresses are allowed. */
  resolve?: Resolve
}

const defaultTimeoutMs = 5_000
const defaultMaxBytes = 512 * 1_024
const maxHeaderBytes = 16 * 1_024
const maxUnderWay = 256
/** So that one slow host leaves room for the others. */
const maxUnderWayPerOrigin = 16
const maxOrigins = 1_024

export function createOutgoingClient(options: OutgoingOptions): OutgoingClient {
  const { ca, allowPrivate, resolve = allowPrivate ? systemResolve : createDnsResolve() } = options
  const trusted = ca === undefined ? undefined : [...getCACertificates('default'), ...ca]
  const agent = new Agent({
    connect: createGuardedConnector({ allowPrivate }, resolve, trusted),
    connections: maxUnderWayPerOrigin,
    maxOrigins,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 30_000,
  })
  const underWay = createUnderWay()

  const ask = async (url: URL, asked: OutgoingRequest) => {
    const { method = 'GET', mediaTypes = ['application/json'], timeoutMs = defaultTimeoutMs } = asked
    const leave = underWay.enter(url)
    try {
      const response = await request(url, {
        method,
        headers: { 'user-agent': 'postern', ...asked.headers, accept: mediaTypes.join(', ') },
        body: asked.body ?? null,
        dispatcher: agent,
        signal: AbortSignal.timeout(timeoutMs),
        // The signal is the deadline; these are only not to be shorter.
        headersTimeout: timeoutMs + 1_000,
        bodyTimeout: timeoutMs + 1_000,
      })
      return await read(response, mediaTypes, asked.maxBytes ?? defaultMaxBytes, url.host)
    } catch (error) {
      throw toOutgoingError(error, url.host)
    } finally {
      leave()
    }
  }

  return {
    checkUrl: (url) => checkOutgoingUrl(url, options),
    async fetchJson(text, asked = {}) {
      const url = parseOutgoingUrl(text, options)
      const { method = 'GET' } = asked
      // The host only: path and query are the tenant's. And no `traceparent` goes out: our traces are not its business.
      const attributes = { 'http.request.method': method, 'server.address': url.hostname }
      return traced(`${method} ${url.host}`, attributes, () => ask(url, asked))
    },
    close: () => agent.destroy(),
  }
}

/** Counts requests, all of them and those to each origin. */
function createUnderWay() {
  const byOrigin = new Map<string, number>()
  let all = 0
  return {
    /** @returns what to call at the end. @throws OutgoingError */
    enter({ origin, host }: URL): () => void {
      const count = byOrigin.get(origin) ?? 0
      if (all >= maxUnderWay || count >= maxUnderWayPerOrigin) throw new OutgoingError('overloaded', host)
      all += 1
      byOrigin.set(origin, count + 1)
      return () => {
        all -= 1
        const left = (byOrigin.get(origin) ?? 1) - 1
        if (left === 0) byOrigin.delete(origin)
        else byOrigin.set(origin, left)
      }
    },
  }
}

async function read(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  mediaTypes: readonly string[],
  maxBytes: number,
  host: string,
): Promise<unknown> {
  // Where the body is given up, nobody else hears of its end.
  body.on('error', () => undefined)
  try {
    if (statusCode >= 300 && statusCode < 400) throw new OutgoingError('redirect', host, { status: statusCode })
    if (statusCode !== 200) throw new OutgoingError('bad_status', host, { status: statusCode })
    return await readJson(headers, body, { mediaTypes, maxBytes, host })
  } finally {
    body.destroy()
  }
}

/** Causes by their `code` or `name`, where they mean more than that the connection failed. */
const reasons: Readonly<Record<string, OutgoingError['reason']>> = {
  TimeoutError: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
  HPE_HEADER_OVERFLOW: 'too_large',
  UND_ERR_MAX_ORIGINS_REACHED: 'overloaded',
}

function toOutgoingError(error: unknown, host: string): OutgoingError {
  if (error instanceof OutgoingError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const name = error instanceof Error ? error.name : ''
  return new OutgoingError(reasons[code] ?? reasons[name] ?? 'unreachable', host, { cause: error })
}
