/** Builds the sidecar from its configuration, with what `compose/` builds of its parts, and listens. */
import type { Logger } from 'pino'
import { composePolicies } from './compose/policies.ts'
import { composeReplayGuard, composeShared } from './compose/redis.ts'
import { composeSecrets } from './compose/secrets.ts'
import type { Config } from './config/schema.ts'
import type { ReadSecret } from './config/secret.ts'
import { createDecider } from './decider/decider.ts'
import { createApp, createSocketServer } from './http/app.ts'
import { closeWithConnections } from './http/closing.ts'
import { createOperationsApp } from './http/operations.ts'
import { closeSocket, listenOnSocket } from './http/unix-socket.ts'
import { createMetrics } from './metrics.ts'
import { createDependency, type Dependency } from './remote/dependency.ts'
import { createHttpClient } from './remote/http-client.ts'
import { transports } from './transports/list.ts'

export interface Sidecar {
  /** Where gateways reach it over TCP; undefined where it listens on a unix socket only. */
  readonly address: string | undefined
  readonly adminAddress: string
  /** Finishes the requests that are under way, then closes everything. */
  close(): Promise<void>
}

export interface SidecarDeps {
  logger: Logger
  readSecret: ReadSecret
  /** ms since the epoch */
  now?: () => number
}

/** @throws Error where a secret is missing or an address cannot be listened on */
export async function startSidecar(config: Config, deps: SidecarDeps): Promise<Sidecar> {
  const { logger, readSecret, now = Date.now } = deps
  const http = createHttpClient()
  const metrics = createMetrics()
  const dependencies: Dependency[] = []
  const dependency = (name: string) => {
    const created = createDependency(name, { observe: metrics.observeCall })
    dependencies.push(created)
    return created
  }
  const ends: (() => void | Promise<void>)[] = []
  const onClose = (end: () => void | Promise<void>) => void ends.push(end)
  const changingSecret = composeSecrets({ readSecret, logger, now })
  const shared = config.redis && composeShared(config.redis, dependency('redis'), readSecret)
  if (shared) onClose(() => shared.redis.close())
  const replayGuard = composeReplayGuard(shared, now)
  const toolkit = { http, dependency, readSecret, changingSecret, onClose, shared, replayGuard, logger, now }
  const { policies, feeds } = composePolicies(config, toolkit)
  metrics.watch({ policies, dependencies, feeds, now })

  const app = createApp(logger, transports, createDecider(policies))
  const socketServer = createSocketServer(app)
  const unsynced = () => [...feeds].flatMap(([name, feed]) => (feed.synced() ? [] : [name]))
  const operations = createOperationsApp({
    logger,
    registry: metrics.registry,
    obstacles: () => unsynced().map((name) => `revocations of ${name} are not known`),
  })

  const close = async () => {
    await Promise.all([...feeds.values()].map((feed) => feed.close()))
    const closeApp = closeWithConnections(app.server, () => app.close())
    await Promise.all([closeSocket(socketServer), closeApp, operations.close()])
    for (const { close } of dependencies) close()
    await Promise.all([http.close(), ...ends.map((end) => end())])
  }

  try {
    await app.ready()
    for (const feed of feeds.values()) feed.start()
    const { tcp, unix } = config.listen
    const address = tcp === undefined ? undefined : await app.listen(hostAndPort(tcp))
    if (unix !== undefined) await listenOnSocket(socketServer, unix)
    const adminAddress = await operations.listen(hostAndPort(config.admin.tcp))
    return { address, adminAddress, close }
  } catch (error) {
    await close()
    throw error
  }
}

function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
