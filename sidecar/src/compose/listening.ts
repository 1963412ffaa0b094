/** Where the sidecar is reached: gateways over TCP, a unix socket and gRPC, operators on the admin port. */
import type { RequestListener } from 'node:http'
import type { Config } from '../config/schema.ts'
import type { Decider } from '../decider/decider.ts'
import { createPlace, type Move, overSocket, overTcp, type Place } from '../http/listeners.ts'

export interface Listening {
  /** Opens what is new, each address before the one that it replaces closes. @throws Error, and then all is as before */
  move(config: Config): Promise<Move>
  /** Where gateways reach it over TCP; undefined where they do not. */
  address(): string | undefined
  /** Host and port for gRPC; undefined where it is not spoken. */
  grpcAddress(): string | undefined
  adminAddress(): string
  close(): Promise<void>
}

export interface ListeningParts {
  /** Answers what gateways ask over HTTP. */
  gateways: RequestListener
  operators: RequestListener
  decider: Decider
  isReady(): boolean
}

/** Only where it is spoken: it takes thirty MiB. */
const loadGrpc = () => import('../http/grpc.ts')

export function createListening({ gateways, operators, decider, isReady }: ListeningParts): Listening {
  let drainMs = 0
  let shared: boolean | undefined
  const cutAfterMs = () => drainMs
  const tcp = createPlace(overTcp(gateways, cutAfterMs, () => shared === true))
  const unix = createPlace(overSocket(gateways, cutAfterMs))
  const grpc = createPlace(async (address) => (await loadGrpc()).overGrpc(decider, isReady, cutAfterMs)(address))
  const grpcUnix = createPlace(async (path) => (await loadGrpc()).overGrpcSocket(decider, isReady, cutAfterMs)(path))
  const admin = createPlace(overTcp(operators, cutAfterMs))

  const moves: [place: Place, wanted: (config: Config) => string | undefined][] = [
    [tcp, ({ listen }) => listen.tcp],
    [unix, ({ listen }) => listen.unix],
    [grpc, ({ listen }) => listen.grpc],
    [grpcUnix, ({ listen }) => listen.grpc_unix],
    [admin, (config) => config.admin.tcp],
  ]
  return {
    async move(config) {
      const { shared: wanted = false } = config.listen
      if (wanted !== (shared ?? wanted)) throw new Error('listen.shared changes with a restart only')
      shared = wanted
      const done: Move[] = []
      try {
        for (const [place, wanted] of moves) done.push(await place.move(wanted(config)))
      } catch (error) {
        await Promise.all(done.map((move) => move.undo()))
        throw error
      }
      drainMs = config.drain.timeout * 1_000
      return {
        keep: async () => void (await Promise.all(done.map((move) => move.keep()))),
        undo: async () => void (await Promise.all(done.map((move) => move.undo()))),
      }
    },
    address: tcp.address,
    grpcAddress: grpc.address,
    adminAddress: () => admin.address() ?? '',
    close: async () => void (await Promise.all(moves.map(([place]) => place.close()))),
  }
}
