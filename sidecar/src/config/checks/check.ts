import type { Config } from '../schema.ts'

export interface PathProblem {
  path: readonly string[]
  reason: string
}

/** A rule that a schema cannot express. @returns what contradicts it */
export type Check = (config: Config) => PathProblem[]

/** Whether a host, as URLs spell it, is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
