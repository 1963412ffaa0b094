import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { watchSteps } from '../src/step-metrics.ts'

test('durations are a histogram as Prometheus reads them: buckets that hold those before them, sum and count', async () => {
  const registry = new Registry()
  const observerOf = watchSteps([registry])
  const count = observerOf('verification')
  // ms: at a bound, above it, above all.
  for (const ms of [0, 0.001, 0.0011, 0.1, 2_500, 9_000]) count(ms)
  observerOf('verification')(0.1)
  const lines = (await registry.metrics()).split('\n')
  expect(lines[1]).toBe('# TYPE postern_sidecar_step_duration_seconds histogram')
  const own = lines
    .filter((line) => line.includes('step="verification"'))
    .map((line) => line.replace(/^\w+_seconds_/, ''))
  const bucket = (le: string, value: number) => `bucket{le="${le}",step="verification"} ${value}`
  expect(own).toEqual([
    bucket('0.000001', 2),
    ...['0.000005', '0.000025'].map((le) => bucket(le, 3)),
    ...['0.0001', '0.00025', '0.0005', '0.001', '0.0025', '0.005', '0.025', '0.1', '0.5'].map((le) => bucket(le, 5)),
    bucket('2.5', 6),
    bucket('+Inf', 7),
    `sum{step="verification"} ${(0.001 + 0.0011 + 0.1 + 2_500 + 9_000 + 0.1) / 1_000}`,
    'count{step="verification"} 7',
  ])
  expect(lines).toContain('postern_sidecar_step_duration_seconds_count{step="introspection"} 0')
})
