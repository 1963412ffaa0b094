/**
 * `npm run load`: measures the whole system on this machine, each service a process of its own.
 *
 *   npm run load -- [--rounds 3] [--seconds 4] [--connections 32] [--only token-issuance,secret-verification]
 *                   [--json file] [--check]
 *
 * `--only` takes what it names beside what that is compared with; `--check` makes a missed bar a failure.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { choose } from './choice.ts'
import { exceeds, measureFigures, renderFigures } from './figures.ts'
import { misses, renderResults, summarizeAll } from './report.ts'
import { measureAll } from './rounds.ts'
import { startTargets } from './targets.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})

const positive = (name: 'rounds' | 'seconds' | 'connections') => {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1 || value > 1_000) throw new Error(`--${name} is no number from 1 to 1000`)
  return value
}

const { scenarios, figures } = choose(values.only?.split(','))
const load = { rounds: positive('rounds'), seconds: positive('seconds'), connections: positive('connections') }
const report = (line: string) => console.log(line)
const targets = await startTargets()
try {
  report(`store: ${targets.store}; ${load.rounds} rounds of ${load.seconds} s, ${load.connections} connections\n`)
  const results = summarizeAll(await measureAll(scenarios, targets, load, report))
  const found = await measureFigures(figures, targets)
  if (results.length > 0) report(`\n${renderResults(results)}`)
  if (found.length > 0) report(`\n${renderFigures(found)}`)
  if (values.json) {
    writeFileSync(values.json, `${JSON.stringify({ load, store: targets.store, results, figures: found }, null, 2)}\n`)
  }
  if (values.check && (results.some(misses) || found.some(exceeds))) process.exitCode = 1
} finally {
  await targets.stop()
}
