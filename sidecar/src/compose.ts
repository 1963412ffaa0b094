/** Builds the sidecar from its configuration, with what `compose/` builds of its parts, and listens. */
import type { Logger } from 'pino'
import { createBursts } from './bursts.ts'
import { composeDecider } from './compose/decider.ts'
import { createEngine } from './compose/engine.ts'
import { createListening } from './compose/listening.ts'
import { createReadiness } from './compose/readiness.ts'
import { createReload } from './compose/reload.ts'
import { composeSecrets } from './compose/secrets.ts'
import { redacted } from './config/redact.ts'
import type { Config } from './config/schema.ts'
import type { ReadSecret } from './config/secret.ts'
import { safeReason } from './failures.ts'
import { createApp, createRequestListener } from './http/app.ts'
import { createOperationsApp } from './http/operations.ts'
import { createLimitedLog } from './limited-log.ts'
import { createMetrics } from './metrics.ts'
import { createHttpClient } from './remote/calls/http-client.ts'
import { createTimer, type TimerOf } from './timing.ts'
import { inspection } from './transports/inspection.ts'
import { directTransports, transports } from './transports/list.ts'
import { publish } from './transports/published.ts'
import { upstreamTokens } from './transports/upstream-tokens.ts'

export interface Sidecar {
  /** Where gateways reach it over TCP; undefined where it listens on a unix socket only. */
  readonly address: string | undefined
  /** Host and port for gRPC; undefined where it is not spoken. */
  readonly grpcAddress: string | undefined
  readonly adminAddress: string
  /** The configuration in force. */
  config(): Config
  /**
   * Takes another configuration over, without dropping a request; where that cannot be, all stays as it was, and log,
   * metrics and `/readyz` say why. While one is under way, those who ask for another get the same one.
   * @param load reads and checks it, once it is its turn
   * @returns whether it was taken over
   */
  reload(load: () => Config): Promise<boolean>
  /** `/readyz` says no from now on, so that nothing new is sent here. */
  drain(): void
  /** Finishes the requests that are under way, then closes everything. */
  close(): Promise<void>
}

export interface SidecarDeps {
  logger: Logger
  readSecret: ReadSecret
  /** Why lines of the log are lost, if they are. */
  logProblem?: () => string | undefined
  /** Told of each configuration that was taken over. */
  onReload?: () => void
  /** ms since the epoch */
  now?: () => number
}

/** @throws Error where a secret is missing or an address cannot be listened on */
export async function startSidecar(config: Config, deps: SidecarDeps): Promise<Sidecar> {
  const { logger, readSecret, now = Date.now } = deps
  const http = createHttpClient()
  const metrics = createMetrics()
  const changingSecret = composeSecrets({ readSecret, logger, now })
  const timerOf: TimerOf = (step) => createTimer(metrics.observerOf(step))
  const limitedLog = createLimitedLog(now)
  const burst = createBursts()
  const tools = { http, changingSecret, logger, limitedLog, burst, timerOf, now, observeCall: metrics.observeCall }
  const engine = createEngine(config, tools)
  metrics.watch(engine, now)
  const { during } = engine.decider

  const { decider, setAccessLog } = composeDecider(engine.decider, { logger, now, observe: metrics.observeDecision })
  const apply = ({ log }: Config) => {
    logger.level = log.level
    setAccessLog(log.access)
    deps.onReload?.()
  }
  setAccessLog(config.log.access)
  const readiness = createReadiness(engine, { logProblem: deps.logProblem ?? (() => undefined), now })
  const app = createApp(logger, transports, decider)
  publish(app, engine.published)
  upstreamTokens(app, {
    upstreamOf: (name) => engine.upstreams().get(name),
    checkCaller: engine.checkCaller,
    during,
    now,
    onUnavailable(upstream, error) {
      const reason = safeReason(error)
      limitedLog.write(`upstream ${upstream} ${reason}`, (leftOut) =>
        logger.warn({ upstream, reason, ...(leftOut > 0 && { left_out: leftOut }) }, 'no token for an upstream'),
      )
    },
  })
  inspection(app, {
    inspectorOf: engine.inspector,
    during,
    now,
    onUnavailable(policy, error) {
      const reason = safeReason(error)
      limitedLog.write(`inspection ${policy} ${reason}`, (leftOut) =>
        logger.warn({ policy, reason, ...(leftOut > 0 && { left_out: leftOut }) }, 'a token cannot be inspected'),
      )
    },
  })
  const operations = createOperationsApp({
    logger,
    registry: metrics.registry,
    readiness,
    config: () => redacted(engine.config()),
    explain(policy, request) {
      const found = engine.policies().get(policy)
      return found && during(() => found.explain(request))
    },
  })
  const listening = createListening({
    gateways: createRequestListener(app, directTransports, decider, logger),
    operators: (request, response) => operations.routing(request, response),
    decider,
    isReady: readiness.isReady,
  })
  const reload = createReload({ engine, listening, readiness, logger, apply, observe: metrics.observeReload })

  const close = async () => {
    readiness.draining()
    await reload.close()
    await listening.close()
    await Promise.all([app.close(), operations.close(), engine.close()])
    await http.close()
  }
  try {
    await Promise.all([app.ready(), operations.ready()])
    await listening.move(config)
  } catch (error) {
    await close()
    throw error
  }
  return {
    get address() {
      return listening.address()
    },
    get grpcAddress() {
      return listening.grpcAddress()
    },
    get adminAddress() {
      return listening.adminAddress()
    },
    config: engine.config,
    reload: reload.run,
    drain: readiness.draining,
    close,
  }
}
