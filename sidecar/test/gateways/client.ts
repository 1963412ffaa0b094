/** A client at a gateway: over TLS with its certificate, in a connection of its own, with headers as they are given. */
import { request } from 'node:https'
import { TLSSocket } from 'node:tls'

export interface ClientCertificate {
  /** PEM: its own, and what it sends of a chain behind it. */
  cert: string
  key: string
}

export interface Answer {
  status: number
  /** Of TLS, for a connection that resumes it. */
  session: Buffer | undefined
  resumed: boolean
  /** What the upstream answers: the headers that it received. Of a refusal, its body. */
  body: unknown
}

/** @param headers names and values in turn */
export type Ask = (
  certificate: ClientCertificate | undefined,
  headers: readonly string[],
  session?: Buffer,
) => Promise<Answer>

/** @param ca PEM, of the gateway's authority */
export function createClient(url: string, ca: string): Ask {
  const { port } = new URL(url)
  const at = { host: '127.0.0.1', port, servername: 'localhost', ca, agent: false, path: '/orders', timeout: 10_000 }
  return (certificate, headers, resumable) =>
    new Promise((resolve, reject) => {
      const all = ['Host', `localhost:${port}`, ...headers]
      const sent = request({ ...at, ...certificate, ...(resumable && { session: resumable }), headers: all })
      let session: Buffer | undefined
      sent.once('socket', (socket) =>
        socket.on('session', (received) => {
          session = received
        }),
      )
      sent.once('response', (response) => {
        const resumed = response.socket instanceof TLSSocket && response.socket.isSessionReused()
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, session, resumed, body: parsed(text) }))
      })
      sent.once('timeout', () => sent.destroy(new Error('the gateway did not answer')))
      sent.once('error', reject).end()
    })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
