/**
 * Records what happens, off the request path: `record` puts an event into a bounded buffer and returns; one writer takes
 * batches from it. While the database is away, events wait in the buffer; what finds no room is counted, and once there
 * is room again an event tells how many those were.
 */
import { once } from 'node:events'
import type { FastifyBaseLogger } from 'fastify'
import type { EventRow } from '../store/events.ts'
import type { AdmitEvent } from './admission.ts'
import { createEventIds } from './id.ts'
import { toRow } from './row.ts'
import type { Event } from './types.ts'
import type { WriteEvents } from './writer.ts'

export interface EventRecorder {
  /** Never throws and never waits. */
  record(authServer: string, event: Event): void
  /** Events that wait, and, since the start, those stored and those lost. */
  counts(): { waiting: number; stored: number; dropped: number }
  /** Stores what waits, within a deadline. What is recorded afterwards is lost. */
  close(): Promise<void>
}

export interface EventRecorderOptions {
  write: WriteEvents
  /** The auth server that is told of lost events. */
  system: string
  logger: FastifyBaseLogger
  /** ms since the epoch */
  now: () => number
  /** The trace of the request that is being answered. */
  traceId?: () => string | undefined
  /** Is told of each event first, also of those that are not stored. */
  observe?: (authServer: string, event: Event) => void
  /** Whether an event is stored. Default: all are. */
  admit?: AdmitEvent
  /** Most events that wait. */
  capacity?: number
}

const batchSize = 500
/** ms that events wait for others, to share a transaction with them. */
const gatherMs = 200
const closeWithinMs = 1_000

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const {
    write,
    system,
    logger,
    now,
    traceId = () => undefined,
    observe,
    admit = () => true,
    capacity = 10_000,
  } = options
  const ids = createEventIds()
  const deadline = new AbortController()
  const waiting: EventRow[] = []
  /** Events that the writer has taken and not yet stored. */
  let taken = 0
  let stored = 0
  let dropped = 0
  /** Lost events that no event tells of yet. */
  let untold = 0
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let draining: Promise<void> | undefined

  const lose = (count: number) => {
    dropped += count
    untold += count
  }
  const push = (authServer: string, event: Event) => {
    waiting.push(toRow(authServer, event, now(), traceId(), ids))
  }

  const store = async (batch: readonly EventRow[]) => {
    taken = batch.length
    const lost = await write(batch, deadline.signal)
    taken = 0
    stored += batch.length - lost
    lose(lost)
    if (untold > 0 && lost < batch.length) {
      push(system, { type: 'events.dropped', count: untold })
      untold = 0
    }
  }

  /** One batch at a time: full ones at once, what remains when it has waited for others, or at the end. */
  const drain = async () => {
    clearTimeout(timer)
    timer = undefined
    do await store(waiting.splice(0, batchSize))
    while ((waiting.length >= batchSize || (closed && waiting.length > 0)) && !deadline.signal.aborted)
    draining = undefined
    if (waiting.length > 0 && !closed) gather()
  }
  const begin = () => {
    draining ??= drain()
  }
  const gather = () => {
    timer ??= setTimeout(begin, gatherMs)
  }

  return {
    record(authServer, event) {
      observe?.(authServer, event)
      if (!admit(authServer, event.type)) return
      if (closed || waiting.length + taken >= capacity) return lose(1)
      push(authServer, event)
      if (draining) return
      if (waiting.length >= batchSize) begin()
      else gather()
    },
    counts: () => ({ waiting: waiting.length + taken, stored, dropped }),
    async close() {
      closed = true
      const ends = setTimeout(() => deadline.abort(), closeWithinMs)
      if (waiting.length > 0) begin()
      // Not waited for beyond the deadline: a statement under way may take longer to fail.
      await Promise.race([draining, once(deadline.signal, 'abort')])
      clearTimeout(ends)
      lose(waiting.length + taken)
      if (untold > 0) logger.error({ events: untold }, 'events were lost')
    },
  }
}
