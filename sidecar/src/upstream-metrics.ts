/** Metrics of the tokens for upstreams. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { UpstreamStep } from './steps/upstream-token.ts'

/** @param now ms since the epoch */
export function watchUpstreams(
  upstreams: () => ReadonlyMap<string, UpstreamStep>,
  now: () => number,
  registers: Registry[],
): void {
  new Gauge({
    name: 'postern_sidecar_upstream_token_expires_in_seconds',
    help: "Time until the sidecar's own token for an upstream expires; below 0: it has",
    labelNames: ['upstream'],
    registers,
    collect() {
      this.reset()
      for (const [upstream, { expiresAt }] of upstreams()) {
        const until = expiresAt()
        if (until !== undefined) this.set({ upstream }, (until - now()) / 1_000)
      }
    },
  })
  new Gauge({
    name: 'postern_sidecar_upstream_token_callers',
    help: 'Callers whose tokens for an upstream are kept',
    labelNames: ['upstream'],
    registers,
    collect() {
      this.reset()
      for (const [upstream, { callers }] of upstreams()) this.set({ upstream }, callers())
    },
  })
  new Counter({
    name: 'postern_sidecar_upstream_token_purges_total',
    help: 'Tokens that upstreams refused, by what became of them',
    labelNames: ['upstream', 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const [upstream, { purges }] of upstreams()) {
        for (const [outcome, count] of Object.entries(purges)) this.inc({ upstream, outcome }, count)
      }
    },
  })
}
