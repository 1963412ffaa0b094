/** All scenarios in turn, several times: what disturbs this machine for a while then disturbs each of them alike. */
import { type Measurement, measure } from './measure.ts'
import type { Attack, Scenario } from './scenarios/scenario.ts'
import type { Targets } from './targets.ts'

export interface Measured {
  scenario: Scenario
  measurements: Measurement[]
}

const warmUpSeconds = 2

export async function measureAll(
  scenarios: readonly Scenario[],
  targets: Targets,
  load: { rounds: number; seconds: number; connections: number },
  report: (line: string) => void,
): Promise<Measured[]> {
  const prepared: { scenario: Scenario; attack: () => Promise<Attack>; measurements: Measurement[] }[] = []
  for (const scenario of scenarios) {
    const attack = () => scenario.prepare(targets)
    await measure(await attack(), warmUpSeconds, load.connections)
    prepared.push({ scenario, attack, measurements: [] })
  }
  for (let round = 1; round <= load.rounds; round++) {
    for (const { scenario, attack, measurements } of prepared) {
      // Prepared anew each time: a token lives shorter than all rounds together may last.
      const measurement = await measure(await attack(), load.seconds, load.connections)
      measurements.push(measurement)
      report(`round ${round}: ${scenario.name.padEnd(30)} ${Math.round(measurement.requestsPerSecond)} requests/s`)
    }
  }
  return prepared
}
