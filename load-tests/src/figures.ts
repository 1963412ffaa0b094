/** Measures the figures, after all floods of requests, and makes their table. */
import type { Figure } from './figures/figure.ts'
import { type Column, renderTable, verdict } from './report.ts'
import type { Targets } from './targets.ts'

export interface Found {
  name: string
  value: number
  unit: string
  atMost: number | undefined
}

export async function measureFigures(figures: readonly Figure[], targets: Targets): Promise<Found[]> {
  const found: Found[] = []
  for (const { name, unit, atMost, measure } of figures) {
    found.push({ name, value: await measure(targets), unit, atMost })
  }
  return found
}

export function exceeds({ value, atMost }: Found): boolean {
  return atMost !== undefined && value > atMost
}

const columns: readonly Column<Found>[] = [
  ['figure', ({ name }) => name],
  ['value', ({ value }) => value.toPrecision(3)],
  ['unit', ({ unit }) => unit],
  ['at most', (one) => (one.atMost === undefined ? '' : `${one.atMost} ${verdict(exceeds(one))}`)],
]

export function renderFigures(found: readonly Found[]): string {
  return renderTable(columns, found)
}
