/** The decider as transports ask it: with metrics, the access log and, where an SDK is registered, traces. */
import type { Logger } from 'pino'
import type { AccessLogConfig } from '../config/schema/log.ts'
import { createAccessLog, type LogAccess } from '../decider/access-log.ts'
import type { Decider } from '../decider/decider.ts'
import { createObservedDecider, type Watchers } from '../decider/observed.ts'
import { createTracedDecider } from '../decider/traced.ts'
import { hasSdk } from '../tracing.ts'

export interface DeciderParts extends Pick<Watchers, 'observe'> {
  logger: Logger
  /** ms since the epoch */
  now: () => number
}

export interface ComposedDecider {
  decider: Decider
  /** To be called before the first decision, and whenever the configuration changes. */
  setAccessLog(config: AccessLogConfig): void
}

export function composeDecider(inner: Decider, { logger, now, observe }: DeciderParts): ComposedDecider {
  let logAccess: LogAccess = () => undefined
  const watched = hasSdk() ? createTracedDecider(inner) : inner
  return {
    decider: createObservedDecider(watched, {
      observe,
      logAccess: (policy, request, decision) => logAccess(policy, request, decision),
    }),
    setAccessLog(config) {
      logAccess = createAccessLog(config, (line) => logger.info(line, 'request'), now)
    },
  }
}
