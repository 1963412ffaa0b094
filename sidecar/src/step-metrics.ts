/**
 * How long steps take, as a histogram. To count in prom-client's own takes longer than most of the steps, so it is done in
 * plain numbers, which are read when metrics are asked for.
 */
import { Histogram, type Registry } from 'prom-client'
import { type Step, steps } from './timing.ts'

const name = 'postern_sidecar_step_duration_seconds'
const help = 'Time of the steps of decisions that are not cached'
const boundsMs = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 25, 100, 500, 2_500]

interface Durations {
  step: Step
  /** How many are up to each bound and above the one before it; at the end, those above all. */
  counts: number[]
  sumMs: number
}

/** @returns what counts the time of a step */
export function watchSteps(registers: Registry[]): (step: Step) => (durationMs: number) => void {
  const durations = steps.map((step): Durations => ({ step, counts: boundsMs.map(() => 0).concat(0), sumMs: 0 }))
  const histogram = new Histogram({ name, help, labelNames: ['step'], registers })
  const get = async () => ({ name, help, type: 'histogram', values: durations.flatMap(valuesOf) })
  Object.assign(histogram, { get, getForPromString: get })

  return (wanted) => {
    const own = durations.find(({ step }) => step === wanted)
    return (durationMs) => {
      if (own) count(own, durationMs)
    }
  }
}

function count(durations: Durations, ms: number): void {
  let at = 0
  while (ms > (boundsMs[at] ?? Number.POSITIVE_INFINITY)) at += 1
  durations.counts[at] = (durations.counts[at] ?? 0) + 1
  durations.sumMs += ms
}

function valuesOf({ step, counts, sumMs }: Durations) {
  let total = 0
  const buckets = counts.map((inBucket, index) => {
    total += inBucket
    const bound = boundsMs[index]
    const le = bound === undefined ? '+Inf' : bound / 1_000
    return { metricName: `${name}_bucket`, labels: { le, step }, value: total }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { step }, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels: { step }, value: total },
  ]
}
