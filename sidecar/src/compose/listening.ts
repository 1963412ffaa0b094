/** Where the sidecar is reached: gateways over TCP, a unix socket or both, operators on the admin port. */
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/schema.ts'
import { createPlace, type Move, overSocket, overTcp, type Place } from '../http/listeners.ts'

export interface Listening {
  /** Opens what is new, each address before the one that it replaces closes. @throws Error, and then all is as before */
  move(config: Config): Promise<Move>
  /** Where gateways reach it over TCP; undefined where they do not. */
  address(): string | undefined
  adminAddress(): string
  close(): Promise<void>
}

export function createListening(app: FastifyInstance, operations: FastifyInstance): Listening {
  let drainMs = 0
  const cutAfterMs = () => drainMs
  const tcp = createPlace(overTcp(app, cutAfterMs))
  const unix = createPlace(overSocket(app, cutAfterMs))
  const admin = createPlace(overTcp(operations, cutAfterMs))

  const moves: [place: Place, wanted: (config: Config) => string | undefined][] = [
    [tcp, ({ listen }) => listen.tcp],
    [unix, ({ listen }) => listen.unix],
    [admin, (config) => config.admin.tcp],
  ]
  return {
    async move(config) {
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
    adminAddress: () => admin.address() ?? '',
    close: async () => void (await Promise.all(moves.map(([place]) => place.close()))),
  }
}
