/** What every part is built with. */
import type { Logger } from 'pino'
import type { ReadSecret } from '../config/secret.ts'
import type { Dependency } from '../remote/dependency.ts'
import type { HttpClient } from '../remote/http-client.ts'

export interface Toolkit {
  http: HttpClient
  /** A breaker of that name, which metrics watch. */
  dependency(name: string): Dependency
  readSecret: ReadSecret
  logger: Logger
  /** ms since the epoch */
  now: () => number
}
