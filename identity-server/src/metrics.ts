/**
 * Prometheus metrics. What the hot path counts are plain numbers, read when metrics are asked for. Every label has a
 * bounded number of values, whatever clients send and however many tenants there are.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { EventRecorder } from './events/recorder.ts'
import type { Event } from './events/types.ts'
import type { PoolCounts } from './store/pool-counts.ts'
import { createDurationHistogram, createTally } from './tally.ts'

export interface Metrics {
  /** Counts an answered request. @param route its pattern */
  observeRequest(route: string, status: number, durationMs: number): void
  /** Counts what happened, whether or not it is stored. */
  observeEvent(authServer: string, event: Event): void
  /** Counts a run of a job. @param now ms since the epoch */
  observeJob(job: string, outcome: 'done' | 'failed', now: number): void
  /** Makes what the parts know readable. */
  watch(parts: WatchedParts): void
  /** The Prometheus text format. */
  render(): Promise<{ contentType: string; body: string }>
}

export interface WatchedParts {
  events: Pick<EventRecorder, 'counts'>
  /** By name. */
  caches: Readonly<Record<string, { size(): number }>>
  /** Undefined where the database has no pool. */
  pool: PoolCounts | undefined
}

/** The first auth servers that are seen have a label of their own; all others share one, that no id can be. */
const labelledAuthServers = 100
const otherAuthServers = '_other'

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = createTally(registers, 'postern_http_requests_total', 'Requests answered, by route and status', [
    'route',
    'status',
  ])
  const durations = createDurationHistogram(
    'postern_http_request_duration_seconds',
    'Time from the first byte of a request to the last of its answer, by route',
    'route',
    [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500],
  )
  return {
    observeRequest(route, status, durationMs) {
      requests(route, String(status))
      durations.observe(route, durationMs)
    },
    observeEvent: eventCounter(registers),
    observeJob: jobCounter(registers),
    watch({ events, caches, pool }) {
      watchEvents(events, registers)
      watchCaches(caches, registers)
      if (pool) watchPool(pool, registers)
    },
    render: async () => ({ contentType: registry.contentType, body: (await registry.metrics()) + durations.render() }),
  }
}

function eventCounter(registers: Registry[]): Metrics['observeEvent'] {
  const all = createTally(registers, 'postern_events_total', 'What happened, by type of event', ['type'])
  const tokens = createTally(
    registers,
    'postern_token_requests_total',
    'Token requests of authenticated clients, by auth server, grant and outcome: success, or the error code',
    ['auth_server', 'grant_type', 'outcome'],
  )
  const authentications = createTally(
    registers,
    'postern_client_authentications_total',
    'Client authentications, by method and outcome: success, or the error code',
    ['method', 'outcome'],
  )
  const introspections = createTally(
    registers,
    'postern_introspections_total',
    'Introspections, by auth server and whether the token was active',
    ['auth_server', 'active'],
  )
  const labelOf = boundedLabels(labelledAuthServers, otherAuthServers)

  return (authServer, event) => {
    all(event.type)
    switch (event.type) {
      case 'token.issued':
      case 'token.refreshed':
      case 'token.exchanged':
        return tokens(labelOf(authServer), event.grant_type, 'success')
      case 'token.refused':
        return tokens(labelOf(authServer), event.grant_type ?? 'unknown', event.error)
      case 'client.authenticated':
        return authentications(event.method, 'success')
      case 'client.authentication_failed':
        return authentications(event.method ?? 'unknown', event.error)
      case 'token.introspected':
        return introspections(labelOf(authServer), String(event.active))
    }
  }
}

function jobCounter(registers: Registry[]): Metrics['observeJob'] {
  const runs = createTally(registers, 'postern_job_runs_total', 'Runs of background jobs, by outcome', [
    'job',
    'outcome',
  ])
  const lastDone = new Gauge({
    name: 'postern_job_last_done_seconds',
    help: 'When each job was last done, in seconds since the epoch',
    labelNames: ['job'],
    registers,
  })
  return (job, outcome, now) => {
    runs(job, outcome)
    if (outcome === 'done') lastDone.set({ job }, now / 1_000)
  }
}

function watchEvents(events: Pick<EventRecorder, 'counts'>, registers: Registry[]): void {
  gauge(registers, 'postern_events_waiting', 'Events that wait to be stored', () => events.counts().waiting)
  total(registers, 'postern_events_stored_total', 'Events stored', () => events.counts().stored)
  total(
    registers,
    'postern_events_dropped_total',
    'Events lost: for want of room, or refused by the database',
    () => events.counts().dropped,
  )
}

function watchCaches(caches: WatchedParts['caches'], registers: Registry[]): void {
  new Gauge({
    name: 'postern_cache_entries',
    help: 'Entries of the caches in memory',
    labelNames: ['cache'],
    registers,
    collect() {
      for (const [cache, { size }] of Object.entries(caches)) this.set({ cache }, size())
    },
  })
}

function watchPool(pool: PoolCounts, registers: Registry[]): void {
  gauge(registers, 'postern_database_connections', 'Connections of the pool', () => pool.connections())
  gauge(registers, 'postern_database_waiting', 'Transactions that wait for a connection', () => pool.waiting())
  total(registers, 'postern_database_waits_total', 'Transactions that had to wait for one', () => pool.waits())
  total(registers, 'postern_database_wait_seconds_total', 'Time that they waited', () => pool.waitedMs() / 1_000)
}

function gauge(registers: Registry[], name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read())
    },
  })
}

function total(registers: Registry[], name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers,
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}

/** The first values stand for themselves, all later ones for one that they share. */
function boundedLabels(most: number, others: string): (value: string) => string {
  const seen = new Set<string>()
  return (value) => {
    if (seen.has(value)) return value
    if (seen.size >= most) return others
    seen.add(value)
    return value
  }
}
