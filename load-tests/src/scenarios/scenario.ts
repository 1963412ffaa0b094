/** What each load test provides; `list.ts` names them all. */
import type { Targets } from '../targets.ts'

/** What autocannon sends, and whose processor time it costs. */
export interface Attack {
  url: string
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
  pid: number
}

export interface Scenario {
  name: string
  /** Whether the others are compared with it. */
  baseline?: true
  /** Least ratio to the baseline that is asked for. */
  bar?: number
  prepare(targets: Targets): Promise<Attack>
}

/** A service's process id. @throws Error where there is no such service */
export function pidOf({ pids }: Targets, service: string): number {
  const pid = pids.get(service)
  if (pid === undefined) throw new Error(`there is no service ${service}`)
  return pid
}

/** A variable of the demo. @throws Error where it is not set */
export function variable({ variables }: Targets, name: string): string {
  const value = variables[name]
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}
