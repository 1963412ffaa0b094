/** Where the sidecar listens: an address that a new configuration keeps stays open without a gap. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { connectionLimits } from './app.ts'
import { closeWithConnections } from './closing.ts'
import { listenOnSocket } from './unix-socket.ts'

const idleTimeout = 75_000

export interface Listener {
  /** As a client would write it. */
  readonly address: string
  /** Finishes the requests that are under way. */
  close(): Promise<void>
}

export interface Place {
  /** Undefined where nothing listens. */
  address(): string | undefined
  /** Opens the new address beside the old one. @throws Error where it cannot be listened on; the old one then stays */
  move(to: string | undefined): Promise<Move>
  close(): Promise<void>
}

export interface Move {
  /** Closes the old address. */
  keep(): Promise<void>
  /** Closes the new address. */
  undo(): Promise<void>
}

const nothing = async () => undefined

/** @param listen opens an address as the configuration has it */
export function createPlace(listen: (configured: string) => Promise<Listener>): Place {
  let current: { configured: string; listener: Listener } | undefined
  return {
    address: () => current?.listener.address,
    async move(to) {
      const old = current
      if (to === old?.configured) return { keep: nothing, undo: nothing }
      const opened = to === undefined ? undefined : { configured: to, listener: await listen(to) }
      current = opened
      return {
        keep: async () => old?.listener.close(),
        async undo() {
          current = old
          await opened?.listener.close()
        },
      }
    },
    close: async () => current?.listener.close(),
  }
}

/**
 * Over TCP. Fastify itself would listen on one address only.
 * @param isShared whether other processes listen there as well
 * @param idleMs after which a connection that nothing comes or goes through is closed
 */
export const overTcp =
  (answer: RequestListener, cutAfterMs: () => number, isShared = () => false, idleMs = idleTimeout) =>
  async (configured: string): Promise<Listener> => {
    const server = serverOf(answer, idleMs)
    const { host, port } = hostAndPort(configured)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host, reusePort: isShared() }, () => {
        server.removeListener('error', reject)
        resolve()
      })
    })
    return { address: urlOf(server), close: () => closeServer(server, cutAfterMs()) }
  }

/** Over a unix socket. */
export const overSocket =
  (answer: RequestListener, cutAfterMs: () => number) =>
  async (path: string): Promise<Listener> => {
    const server = serverOf(answer, idleTimeout)
    await listenOnSocket(server, path)
    return { address: path, close: () => closeServer(server, cutAfterMs()) }
  }

function serverOf(answer: RequestListener, idleMs: number): Server {
  return createServer(connectionLimits, answer).setTimeout(idleMs)
}

function closeServer(server: Server, cutAfterMs: number): Promise<void> {
  return closeWithConnections(server, () => new Promise((resolve) => server.close(resolve)), cutAfterMs)
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

/** @param address as in `127.0.0.1:4100` or `[::1]:4100` */
export function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
