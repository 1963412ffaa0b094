/** What `--only` chooses of the scenarios and figures. */
import type { Figure } from './figures/figure.ts'
import { figures } from './figures/list.ts'
import { scenarios } from './scenarios/list.ts'
import type { Scenario } from './scenarios/scenario.ts'

/**
 * @param names of scenarios and figures; undefined means all
 * @returns those named, in the order of their lists, with the scenarios that they are compared with
 * @throws Error where a name is unknown
 */
export function choose(names: readonly string[] | undefined): { scenarios: Scenario[]; figures: Figure[] } {
  const all = [...scenarios, ...figures].map(({ name }) => name)
  for (const name of names ?? []) {
    if (!all.includes(name)) throw new Error(`--only ${name}: there are ${all.join(', ')}`)
  }
  const named = ({ name }: { name: string }) => names?.includes(name) ?? true
  const compared = new Set(scenarios.filter(named).flatMap(withOthers))
  return { scenarios: scenarios.filter((one) => compared.has(one)), figures: figures.filter(named) }
}

function withOthers(scenario: Scenario): Scenario[] {
  return [scenario, ...(scenario.against ? withOthers(scenario.against) : [])]
}
