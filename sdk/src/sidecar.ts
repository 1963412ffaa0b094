/**
 * A client of the sidecar for gateways written in JavaScript: asks `POST /v1/decisions` over kept-alive connections.
 * It returns a decision that was checked, or throws. There is no third outcome, so a caller that refuses the request
 * on every exception fails closed.
 */
import type { Decision, DecisionQuery } from '@postern/protocol/decision'
import { Pool } from 'undici'
import { parseDecision } from './sidecar-answer.ts'
import { SidecarError, toSidecarError } from './sidecar-error.ts'

export { SidecarError, type SidecarErrorCode } from './sidecar-error.ts'

export interface SidecarClientOptions {
  /** Where the sidecar listens on loopback, `http://127.0.0.1:4100`; or else `socketPath`. */
  url?: string
  /** The sidecar's unix socket. */
  socketPath?: string
  /** Deadline of a whole call: waiting for a connection, asking, reading the answer. Default 1000 ms. */
  timeoutMs?: number
  /** Connections to the sidecar. Default 32. */
  maxConnections?: number
  /** Calls that may be under way at once; one more is refused without asking. Default 1024. */
  maxPending?: number
  /** Bytes of an answer. Default 64 KiB. */
  maxAnswerBytes?: number
  /** ms since the epoch */
  now?: () => number
}

export interface SidecarClient {
  /** @throws SidecarError whatever went wrong: nothing is known about the request then, and it must not pass */
  decide(query: DecisionQuery): Promise<Decision>
  /** Ends the connections; calls that are under way fail. */
  close(): Promise<void>
}

/** @throws TypeError where the options name no sidecar, two, or one that is not `http:` */
export function createSidecarClient(options: SidecarClientOptions): SidecarClient {
  const { timeoutMs = 1_000, maxConnections = 32, maxPending = 1_024, now = Date.now } = options
  const maxAnswerBytes = options.maxAnswerBytes ?? 64 * 1_024
  const pool = new Pool(originOf(options), {
    connections: maxConnections,
    ...(options.socketPath !== undefined && { socketPath: options.socketPath }),
    connectTimeout: timeoutMs,
  })
  let pending = 0

  const ask = async (query: DecisionQuery): Promise<Decision> => {
    const answer = await pool.request({
      method: 'POST',
      path: '/v1/decisions',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(query),
      signal: AbortSignal.timeout(timeoutMs),
    })
    // Read in any case: an answer left unread would occupy its connection.
    const text = await readText(answer.body, maxAnswerBytes)
    if (answer.statusCode !== 200) throw unexpectedStatus(answer.statusCode)
    return parseDecision(text, now())
  }

  return {
    async decide(query) {
      if (pending >= maxPending) throw new SidecarError('overloaded', `${maxPending} calls are under way`)
      pending += 1
      try {
        return await ask(query)
      } catch (error) {
        throw toSidecarError(error)
      } finally {
        pending -= 1
      }
    },
    close: () => pool.destroy(),
  }
}

function originOf({ url, socketPath }: SidecarClientOptions): string {
  if ((url === undefined) === (socketPath === undefined)) throw new TypeError('give either url or socketPath')
  if (url === undefined) return 'http://localhost'
  const parsed = new URL(url)
  const isOrigin = parsed.pathname === '/' && parsed.search === '' && parsed.hash === '' && parsed.username === ''
  if (parsed.protocol !== 'http:' || !isOrigin) {
    throw new TypeError('url must be the origin of a sidecar, such as http://127.0.0.1:4100')
  }
  return parsed.origin
}

async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    // Leaving the loop destroys the body and with it the connection: the rest is never read.
    if (size > maxBytes) throw new SidecarError('nonsense', `the answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** 400, 413 and 431 say that the query breaks the limits of the contract, which the gateway's client can provoke. */
function unexpectedStatus(status: number): SidecarError {
  const refused = status === 400 || status === 413 || status === 431
  return new SidecarError(refused ? 'query_refused' : 'unexpected_status', `the sidecar answered ${status}`)
}
