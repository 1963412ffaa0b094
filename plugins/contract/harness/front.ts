/**
 * What the gateway takes for the sidecar: passes bytes on to the real one, or behaves like one that is broken. Since it
 * sits on the wire, it also knows what the gateway asked, and over how many connections.
 */
import { connect, createServer, type Socket } from 'node:net'
import { type Listening, listen } from './listen.ts'

const http = (status: string, headers = '', body = '') =>
  `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Ways for a sidecar to be broken, by what it writes once it was asked; undefined: nothing, ever. */
const brokenAnswers = {
  silent: undefined,
  reset: 'reset',
  'no HTTP': 'SSH-2.0-OpenSSH_9.9\r\n',
  'a page with status 200': http('200 OK', 'Content-Type: text/html\r\n', '<html>It works!</html>'),
  'an empty 200': http('200 OK'),
  'an empty 204': 'HTTP/1.1 204 No Content\r\n\r\n',
  'other JSON': http('200 OK', 'Content-Type: application/json\r\n', '{"status":"ok","decision":"yes"}'),
  'an answer that ends early': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Le',
  'a redirect': http('302 Found', 'Location: /elsewhere\r\n'),
  'a 404': http('404 Not Found', '', 'not found'),
  'a 429': http('429 Too Many Requests'),
  'a 500': http('500 Internal Server Error'),
} as const

export type BrokenAnswer = keyof typeof brokenAnswers
export const brokenAnswerNames = Object.keys(brokenAnswers).filter(isBrokenAnswer)
export type FrontMode = 'sidecar' | 'down' | BrokenAnswer

function isBrokenAnswer(text: string): text is BrokenAnswer {
  return Object.hasOwn(brokenAnswers, text)
}

export interface Front {
  readonly url: string
  /** Ends all connections; those that follow are treated as the mode says. */
  become(mode: FrontMode): Promise<void>
  /** What gateways sent since the last change of mode. */
  received(): string
  /** Connections since the last change of mode. */
  connections(): number
  close(): Promise<void>
}

/** @param sidecarPort of the real sidecar, on 127.0.0.1 */
export async function startFront(sidecarPort: number): Promise<Front> {
  let received = ''
  let connections = 0
  const open = (mode: FrontMode, port?: number) =>
    listen(
      createServer((socket) => {
        connections += 1
        socket.on('error', () => undefined)
        socket.on('data', (bytes) => {
          received += bytes.toString('latin1')
        })
        if (mode === 'sidecar') relay(socket, sidecarPort)
        else if (mode !== 'down') breakDown(socket, brokenAnswers[mode])
      }),
      port,
    )
  let server: Listening | undefined = await open('sidecar')
  const { port, url } = server
  return {
    url,
    async become(mode) {
      await server?.close()
      received = ''
      connections = 0
      server = mode === 'down' ? undefined : await open(mode, port)
    },
    received: () => received,
    connections: () => connections,
    close: async () => server?.close(),
  }
}

function relay(socket: Socket, sidecarPort: number): void {
  const sidecar = connect(sidecarPort, '127.0.0.1')
  sidecar.on('error', () => socket.destroy())
  sidecar.on('close', () => socket.destroy())
  socket.on('close', () => sidecar.destroy())
  socket.pipe(sidecar).pipe(socket)
}

function breakDown(socket: Socket, answer: string | undefined): void {
  socket.once('data', () => {
    if (answer === 'reset') socket.resetAndDestroy()
    else if (answer !== undefined) socket.end(answer)
  })
}
