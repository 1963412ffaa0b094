/** Prometheus metrics. What the hot path counts as plain numbers is read when metrics are asked for. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Policy } from './decider/policy.ts'
import type { Dependency } from './remote/calls/dependency.ts'
import type { RevocationFeed } from './remote/revocations/revocation-feed.ts'
import { watchSteps } from './step-metrics.ts'
import type { UpstreamStep } from './steps/upstream-token.ts'
import type { Step } from './timing.ts'
import { watchUpstreams } from './upstream-metrics.ts'

export interface Metrics {
  readonly registry: Registry
  /** Counts a call of a dependency. */
  observeCall(dependency: string, outcome: 'success' | 'failure', durationMs: number): void
  /** Makes what the parts in force know readable. @param now ms since the epoch */
  watch(parts: WatchedParts, now: () => number): void
  /** Counts the time of a decision. */
  observeDecision(how: 'at_once' | 'waited', durationMs: number): void
  /** What counts the time of a step. */
  observerOf(step: Step): (durationMs: number) => void
  /** Counts a new configuration that was taken over, or refused. */
  observeReload(outcome: 'success' | 'failure'): void
}

export interface WatchedParts {
  policies(): ReadonlyMap<string, Policy>
  dependencies(): readonly Dependency[]
  feeds(): ReadonlyMap<string, RevocationFeed>
  upstreams(): ReadonlyMap<string, UpstreamStep>
  decider: { underWay(): number }
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const calls = new Histogram({
    name: 'postern_sidecar_dependency_duration_seconds',
    help: 'Time of calls to dependencies',
    labelNames: ['dependency', 'outcome'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  })
  const decisions = new Histogram({
    name: 'postern_sidecar_decision_duration_seconds',
    help: 'Time of decisions: of those known at once one in 64, of those that waited all',
    labelNames: ['how'],
    buckets: [0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5],
    registers,
  })
  const reloads = new Counter({
    name: 'postern_sidecar_config_reloads_total',
    help: 'Changes of the configuration, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['success', 'failure']) reloads.inc({ outcome }, 0)
  return {
    registry,
    observeDecision: (how, durationMs) => decisions.observe({ how }, durationMs / 1_000),
    observerOf: watchSteps(registers),
    observeReload: (outcome) => reloads.inc({ outcome }),
    observeCall: (dependency, outcome, durationMs) => calls.observe({ dependency, outcome }, durationMs / 1_000),
    watch({ policies, dependencies, feeds, upstreams, decider }, now) {
      watchPolicies(policies, registers)
      watchDependencies(dependencies, registers)
      watchFeeds(feeds, now, registers)
      watchLags(feeds, registers)
      watchUpstreams(upstreams, now, registers)
      watchUnderWay(decider.underWay, registers)
    },
  }
}

function watchPolicies(policies: () => ReadonlyMap<string, Policy>, registers: Registry[]): void {
  new Counter({
    name: 'postern_sidecar_decisions_total',
    help: 'Decisions by policy and outcome',
    labelNames: ['policy', 'decision'],
    registers,
    collect() {
      this.reset()
      for (const [policy, { counts }] of policies()) {
        this.inc({ policy, decision: 'allow' }, counts.allow)
        this.inc({ policy, decision: 'deny' }, counts.deny)
        this.inc({ policy, decision: 'unavailable' }, counts.unavailable)
      }
    },
  })
  new Counter({
    name: 'postern_sidecar_cache_lookups_total',
    help: 'Look-ups of tokens in the cache of outcomes',
    labelNames: ['policy', 'result'],
    registers,
    collect() {
      this.reset()
      for (const [policy, { counts }] of policies()) {
        this.inc({ policy, result: 'hit' }, counts.cacheHits)
        this.inc({ policy, result: 'miss' }, counts.cacheMisses)
      }
    },
  })
  new Gauge({
    name: 'postern_sidecar_cached_outcomes',
    help: 'Entries in the cache of outcomes',
    labelNames: ['policy'],
    registers,
    collect() {
      this.reset()
      for (const [policy, { cachedOutcomes }] of policies()) this.set({ policy }, cachedOutcomes)
    },
  })
}

function watchDependencies(dependencies: () => readonly Dependency[], registers: Registry[]): void {
  new Gauge({
    name: 'postern_sidecar_breaker_open',
    help: 'Circuit breakers: 0 closed, 0.5 half open, 1 open',
    labelNames: ['dependency'],
    registers,
    collect() {
      this.reset()
      const values = { closed: 0, half_open: 0.5, open: 1 }
      for (const { name, state } of dependencies()) this.set({ dependency: name }, values[state()])
    },
  })
}

function watchFeeds(feeds: () => ReadonlyMap<string, RevocationFeed>, now: () => number, registers: Registry[]): void {
  new Gauge({
    name: 'postern_sidecar_revocation_feed_age_seconds',
    help: 'Time since when revocations of an issuer may not be known',
    labelNames: ['issuer'],
    registers,
    collect() {
      this.reset()
      for (const [issuer, feed] of feeds()) {
        const answeredAt = feed.answeredAt()
        if (answeredAt !== undefined) this.set({ issuer }, (now() - answeredAt) / 1_000)
      }
    },
  })
}

function watchLags(feeds: () => ReadonlyMap<string, RevocationFeed>, registers: Registry[]): void {
  new Gauge({
    name: 'postern_sidecar_revocation_lag_seconds',
    help: 'Time that the last revocation of an issuer took to take effect here',
    labelNames: ['issuer'],
    registers,
    collect() {
      this.reset()
      for (const [issuer, { lags }] of feeds()) {
        if (lags.lastMs !== undefined) this.set({ issuer }, lags.lastMs / 1_000)
      }
    },
  })
  new Counter({
    name: 'postern_sidecar_revocations_total',
    help: 'Revocations of an issuer that took effect here since the start',
    labelNames: ['issuer'],
    registers,
    collect() {
      this.reset()
      for (const [issuer, { lags }] of feeds()) this.inc({ issuer }, lags.count)
    },
  })
}

function watchUnderWay(underWay: () => number, registers: Registry[]): void {
  new Gauge({
    name: 'postern_sidecar_decisions_under_way',
    help: 'Requests that wait for a decision, for what a token is, or for a token',
    registers,
    collect() {
      this.set(underWay())
    },
  })
}
