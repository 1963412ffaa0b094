/** What Envoy asks over gRPC, with the standard health service (grpc.health.v1). */
import { chmod } from 'node:fs/promises'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import type { Decider } from '../decider/decider.ts'
import { authorizationService, createAuthorization } from '../transports/ext-authz/service.ts'
import { createHealth, healthService } from './grpc-health.ts'
import type { Listener } from './listeners.ts'
import { removeDeadSocket, socketMode } from './unix-socket.ts'

const limits = {
  'grpc.max_receive_message_length': 256 * 1024,
  'grpc.max_concurrent_streams': 1_000,
  // A gateway that is gone without a word is noticed.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
}

/** @param isReady what the health service says */
export const overGrpc =
  (decider: Decider, isReady: () => boolean, cutAfterMs: () => number) =>
  async (configured: string): Promise<Listener> => {
    const server = serverOf(decider, isReady)
    const port = await bind(server, configured)
    const host = configured.slice(0, configured.lastIndexOf(':'))
    return { address: `${host}:${port}`, close: () => closeServer(server, cutAfterMs()) }
  }

export const overGrpcSocket =
  (decider: Decider, isReady: () => boolean, cutAfterMs: () => number) =>
  async (path: string): Promise<Listener> => {
    const server = serverOf(decider, isReady)
    await removeDeadSocket(path)
    await bind(server, `unix:${path}`)
    await chmod(path, socketMode)
    return { address: path, close: () => closeServer(server, cutAfterMs()) }
  }

function serverOf(decider: Decider, isReady: () => boolean): Server {
  const server = new Server(limits)
  server.addService(authorizationService, createAuthorization(decider))
  server.addService(healthService, createHealth(isReady))
  return server
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
}

async function closeServer(server: Server, cutAfterMs: number): Promise<void> {
  const cut = setTimeout(() => server.forceShutdown(), cutAfterMs)
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
  clearTimeout(cut)
}
