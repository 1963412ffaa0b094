/**
 * `npm run load`: measures the whole system on this machine, each service a process of its own.
 *
 *   npm run load -- [--rounds 3] [--seconds 4] [--connections 32] [--only cached-decision] [--json file] [--check]
 *
 * `--check` makes a missed bar a failure.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { misses, renderTable, summarizeAll } from './report.ts'
import { measureAll } from './rounds.ts'
import { scenarios } from './scenarios/list.ts'
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

const names = scenarios.map(({ name }) => name)
if (values.only !== undefined && !names.includes(values.only)) {
  throw new Error(`--only ${values.only}: the scenarios are ${names.join(', ')}`)
}
const chosen = scenarios.filter(({ name, baseline }) => baseline || values.only === undefined || name === values.only)
const load = { rounds: positive('rounds'), seconds: positive('seconds'), connections: positive('connections') }
const targets = await startTargets()
try {
  console.log(`store: ${targets.store}; ${load.rounds} rounds of ${load.seconds} s, ${load.connections} connections\n`)
  const results = summarizeAll(await measureAll(chosen, targets, load, (line) => console.log(line)))
  console.log(`\n${renderTable(results)}`)
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ load, store: targets.store, results }, null, 2)}\n`)
  if (values.check && results.some(misses)) process.exitCode = 1
} finally {
  await targets.stop()
}
