/** What every part is built with. */
import type { Logger } from 'pino'
import type { Secret } from '../config/changing-secret.ts'
import type { SecretSource } from '../config/schema/parts.ts'
import type { ReadSecret } from '../config/secret.ts'
import type { Dependency } from '../remote/dependency.ts'
import type { HttpClient } from '../remote/http-client.ts'
import type { ReplayGuard } from '../remote/replay-guard.ts'
import type { Shared } from './redis.ts'

export interface Toolkit {
  http: HttpClient
  /** A breaker of that name, which metrics watch. */
  dependency(name: string): Dependency
  readSecret: ReadSecret
  /**
   * What is read from all of the sources in one go, and again when they change.
   * @param name for the log
   * @param parse throws where the texts are no such secret; its message must not hold them
   */
  changingSecret<Value>(
    name: string,
    sources: readonly SecretSource[],
    parse: (texts: readonly string[]) => Value,
  ): Secret<Value>
  /** Ends what was built, when the sidecar closes. */
  onClose(end: () => void | Promise<void>): void
  /** Undefined where no Redis is configured. */
  shared: Shared | undefined
  /** Lets what may be used once be used once. */
  replayGuard: ReplayGuard
  logger: Logger
  /** ms since the epoch */
  now: () => number
}
