/** From measurements to the table: medians, and ratios to what each scenario is compared with, in the same run. */
import type { Measurement } from './measure.ts'
import type { Measured } from './rounds.ts'

export interface Result extends Measurement {
  name: string
  bar: number | undefined
  /** Absent where the scenario is itself a baseline. */
  comparison: Comparison | undefined
}

export interface Comparison {
  with: string
  /** Throughput as a part of the other's in the same round. */
  ratio: number
  /** The same by processor time of the server, which holds also where the load generator was the limit. */
  cpuRatio: number | undefined
}

export function summarizeAll(measured: readonly Measured[]): Result[] {
  const all = new Map(measured.map(({ scenario, measurements }) => [scenario, measurements]))
  return measured.map(({ scenario: { name, against, bar }, measurements }) => {
    const others = against && all.get(against)
    if (against && !others) throw new Error(`${name} is to be compared with ${against.name}, which was not measured`)
    const comparison = against && others && { with: against.name, ...compare(measurements, others) }
    return { name, bar, ...medianOf(measurements), comparison }
  })
}

/** Round by round, since the machine's own speed changes from one to the next: the median of their ratios. */
function compare(ones: readonly Measurement[], others: readonly Measurement[]): Omit<Comparison, 'with'> {
  const of = (ratio: (one: Measurement, other: Measurement) => number | undefined) =>
    median(
      ones.flatMap((one, round) => {
        const other = others[round]
        return (other && ratio(one, other)) ?? []
      }),
    )
  return {
    ratio: of((one, other) => one.requestsPerSecond / other.requestsPerSecond) ?? Number.NaN,
    cpuRatio: of((one, other) => one.cpuPerRequest && other.cpuPerRequest && other.cpuPerRequest / one.cpuPerRequest),
  }
}

function medianOf(measurements: readonly Measurement[]): Measurement {
  const of = (pick: (measurement: Measurement) => number | undefined) =>
    median(measurements.flatMap((measurement) => pick(measurement) ?? []))
  return {
    requestsPerSecond: of((measurement) => measurement.requestsPerSecond) ?? 0,
    p50: of((measurement) => measurement.p50) ?? 0,
    p99: of((measurement) => measurement.p99) ?? 0,
    cpuPerRequest: of((measurement) => measurement.cpuPerRequest),
    busy: of((measurement) => measurement.busy),
    memory: of((measurement) => measurement.memory),
  }
}

export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** Whether the bar is missed by either ratio: throughput alone flatters where the load generator was the limit. */
export function misses({ bar, comparison }: Result): boolean {
  if (bar === undefined || !comparison) return false
  return Math.min(comparison.ratio, comparison.cpuRatio ?? comparison.ratio) < bar
}

const columns: readonly Column<Result>[] = [
  ['scenario', ({ name }) => name],
  ['requests/s', ({ requestsPerSecond }) => String(Math.round(requestsPerSecond))],
  ['p50 ms', ({ p50 }) => milliseconds(p50)],
  ['p99 ms', ({ p99 }) => milliseconds(p99)],
  ['server µs/request', ({ cpuPerRequest }) => cpuPerRequest?.toFixed(1) ?? '-'],
  ['server busy', ({ busy }) => (busy === undefined ? '-' : `${Math.round(busy * 100)}%${busy < 0.9 ? ' *' : ''}`)],
  ['server MiB', ({ memory }) => memory?.toFixed(0) ?? '-'],
  ['compared with', ({ comparison }) => comparison?.with ?? ''],
  ['ratio', ({ comparison }) => comparison?.ratio.toFixed(2) ?? ''],
  ['ratio by CPU', ({ comparison }) => (comparison ? (comparison.cpuRatio?.toFixed(2) ?? '-') : '')],
  ['bar', (result) => (result.bar === undefined ? '' : `${result.bar.toFixed(2)} ${verdict(misses(result))}`)],
]

export function renderResults(results: readonly Result[]): string {
  const note = '* the server had time to spare: the load generator was the limit, so read the ratio by CPU'
  const limited = results.some(({ busy }) => busy !== undefined && busy < 0.9)
  return [renderTable(columns, results), ...(limited ? ['', note] : [])].join('\n')
}

export function verdict(missed: boolean): string {
  return missed ? 'missed' : 'met'
}

export type Column<Row> = readonly [title: string, cell: (row: Row) => string]

/** A table in Markdown. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`
  const [header = [], ...body] = cells
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(header), rule, ...body.map(line)].join('\n')
}

function milliseconds(value: number): string {
  return value < 1 ? '< 1' : String(Math.round(value))
}
