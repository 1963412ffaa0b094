/** From measurements to the table: medians, and ratios to the empty route of the same run. */
import type { Measurement } from './measure.ts'
import type { Measured } from './rounds.ts'

export interface Result {
  name: string
  requestsPerSecond: number
  p50: number
  p99: number
  cpuPerRequest: number | undefined
  busy: number | undefined
  /** Throughput as a part of the empty route's. */
  ratio: number
  /** The same by processor time of the server, which holds also where the load generator was the limit. */
  cpuRatio: number | undefined
  bar: number | undefined
}

export function summarizeAll(measured: readonly Measured[]): Result[] {
  const medians = measured.map(({ scenario, measurements }) => ({ scenario, ...medianOf(measurements) }))
  const baseline = medians.find(({ scenario }) => scenario.baseline)
  if (!baseline) throw new Error('there is no baseline')
  return medians.map(({ scenario, ...median }) => ({
    name: scenario.name,
    ...median,
    ratio: median.requestsPerSecond / baseline.requestsPerSecond,
    cpuRatio: median.cpuPerRequest && baseline.cpuPerRequest && baseline.cpuPerRequest / median.cpuPerRequest,
    bar: scenario.bar,
  }))
}

function medianOf(measurements: readonly Measurement[]): Measurement {
  const of = (pick: (measurement: Measurement) => number | undefined) => {
    const values = measurements.flatMap((measurement) => pick(measurement) ?? []).sort((a, b) => a - b)
    return values[Math.floor(values.length / 2)]
  }
  return {
    requestsPerSecond: of((measurement) => measurement.requestsPerSecond) ?? 0,
    p50: of((measurement) => measurement.p50) ?? 0,
    p99: of((measurement) => measurement.p99) ?? 0,
    cpuPerRequest: of((measurement) => measurement.cpuPerRequest),
    busy: of((measurement) => measurement.busy),
  }
}

const columns: readonly [title: string, cell: (result: Result) => string][] = [
  ['scenario', ({ name }) => name],
  ['requests/s', ({ requestsPerSecond }) => String(Math.round(requestsPerSecond))],
  ['p50 ms', ({ p50 }) => milliseconds(p50)],
  ['p99 ms', ({ p99 }) => milliseconds(p99)],
  ['ratio', ({ ratio }) => ratio.toFixed(2)],
  ['server µs/request', ({ cpuPerRequest }) => cpuPerRequest?.toFixed(1) ?? '-'],
  ['server busy', ({ busy }) => (busy === undefined ? '-' : `${Math.round(busy * 100)}%${busy < 0.9 ? ' *' : ''}`)],
  ['ratio by CPU', ({ cpuRatio }) => cpuRatio?.toFixed(2) ?? '-'],
  [
    'bar',
    (result) => (result.bar === undefined ? '' : `${result.bar.toFixed(2)} ${misses(result) ? 'missed' : 'met'}`),
  ],
]

/** Whether the bar is missed by either ratio: throughput alone flatters where the load generator was the limit. */
export function misses({ bar, ratio, cpuRatio }: Result): boolean {
  return bar !== undefined && Math.min(ratio, cpuRatio ?? ratio) < bar
}

/** A table in Markdown. */
export function renderTable(results: readonly Result[]): string {
  const rows = [columns.map(([title]) => title), ...results.map((result) => columns.map(([, cell]) => cell(result)))]
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`
  const [header = [], ...body] = rows
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const note = '* the server had time to spare: the load generator was the limit, so read the ratio by CPU'
  const limited = results.some(({ busy }) => busy !== undefined && busy < 0.9)
  return [line(header), rule, ...body.map(line), ...(limited ? ['', note] : [])].join('\n')
}

function milliseconds(value: number): string {
  return value < 1 ? '< 1' : String(Math.round(value))
}
