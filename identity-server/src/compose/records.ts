/** Where what happens is recorded: the events, and the audit log. */
import type { Logger } from 'pino'
import { createAuditLog } from '../audit/log.ts'
import type { Environment } from '../config.ts'
import { createEventAdmission } from '../events/admission.ts'
import { createEventRecorder } from '../events/recorder.ts'
import { createEventWriter } from '../events/writer.ts'
import type { Metrics } from '../metrics.ts'
import { systemAuthServer } from '../tenancy/system.ts'
import { currentTraceId } from '../tracing.ts'
import type { Foundation } from './foundation.ts'

export interface RecordsOptions {
  environment: Environment
  logger: Logger
  metrics: Metrics
  /** ms since the epoch */
  now: () => number
}

export type Records = ReturnType<typeof createRecords>

export function createRecords({ db }: Foundation, { environment, logger, metrics, now }: RecordsOptions) {
  const events = createEventRecorder({
    write: createEventWriter(db, logger),
    system: systemAuthServer,
    logger,
    now,
    traceId: currentTraceId,
    observe: metrics.observeEvent,
    admit: createEventAdmission(environment.POSTERN_INTROSPECTION_EVENT_SAMPLE, now),
  })
  return { events, audit: createAuditLog(now) }
}
