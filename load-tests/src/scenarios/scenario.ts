/** What each load test provides; `list.ts` names them all. */
import type { Targets } from '../targets.ts'

export interface Request {
  path: string
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

/** What autocannon sends, and whose processor time it costs. */
export interface Attack {
  origin: string
  /** One request again and again, or a function that makes up each. */
  request: Request | (() => Request)
  /** Gets the body of each answer. */
  answered?(body: string): void
  /** As many requests as that, however long they take, where there are no more. */
  amount?: number
  pid: number
}

export interface Scenario {
  name: string
  /** The scenario that this one is compared with, measured in the same rounds. Absent: it is the baseline of others. */
  against?: Scenario
  /** Least ratio to it that is asked for. */
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
