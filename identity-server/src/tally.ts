/**
 * Counters and histograms that cost next to nothing where they count: on the way of every request, finding labels by
 * text and by object took as long as verifying the client's secret. Numbers go up here; Prometheus' form is made when asked.
 */
import { Counter, type Registry } from 'prom-client'

/** Counts one more of what these label values name. Their number must be bounded. */
export type Tally = (...values: string[]) => void

interface Cell {
  values: string[]
  count: number
  next: Map<string, Cell>
}

/** @param labelNames in the order of the values */
export function createTally(registers: Registry[], name: string, help: string, labelNames: string[]): Tally {
  const root: Cell = { values: [], count: 0, next: new Map() }
  new Counter({
    name,
    help,
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { values, count } of cellsBelow(root)) if (count > 0) this.labels(...values).inc(count)
    },
  })
  return (...values) => {
    let cell = root
    for (const value of values) cell = cell.next.get(value) ?? extend(cell, value)
    cell.count += 1
  }
}

function extend({ values, next }: Cell, value: string): Cell {
  const cell: Cell = { values: [...values, value], count: 0, next: new Map() }
  next.set(value, cell)
  return cell
}

function* cellsBelow({ next }: Cell): Generator<Cell> {
  for (const cell of next.values()) {
    yield cell
    yield* cellsBelow(cell)
  }
}

export interface DurationHistogram {
  /** @param value of the label; their number must be bounded */
  observe(value: string, durationMs: number): void
  /** The Prometheus text format. */
  render(): string
}

interface Durations {
  /** How many fell between a bound and the one before it; at the end, those above all. */
  counts: number[]
  sumMs: number
}

/** @param boundsMs ascending */
export function createDurationHistogram(
  name: string,
  help: string,
  label: string,
  boundsMs: readonly number[],
): DurationHistogram {
  const byValue = new Map<string, Durations>()

  const linesOf = ([value, { counts, sumMs }]: [string, Durations]) => {
    const labelled = `${label}="${value.replaceAll(/[\\"]/g, '\\$&')}"`
    let below = 0
    const buckets = counts.map((count, index) => {
      below += count
      const bound = boundsMs[index]
      return `${name}_bucket{le="${bound === undefined ? '+Inf' : bound / 1_000}",${labelled}} ${below}`
    })
    return [...buckets, `${name}_sum{${labelled}} ${sumMs / 1_000}`, `${name}_count{${labelled}} ${below}`]
  }
  return {
    observe(value, durationMs) {
      let durations = byValue.get(value)
      if (!durations) {
        durations = { counts: Array.from({ length: boundsMs.length + 1 }, () => 0), sumMs: 0 }
        byValue.set(value, durations)
      }
      let index = 0
      while (index < boundsMs.length && durationMs > (boundsMs[index] ?? 0)) index++
      durations.counts[index] = (durations.counts[index] ?? 0) + 1
      durations.sumMs += durationMs
    },
    render: () =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...[...byValue].flatMap(linesOf), ''].join('\n'),
  }
}
