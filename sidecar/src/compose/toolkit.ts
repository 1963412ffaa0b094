/** What every part is built with. */
import type { Logger } from 'pino'
import type { Burst } from '../bursts.ts'
import type { Secret } from '../config/changing-secret.ts'
import type { SecretSource } from '../config/schema/parts.ts'
import type { LimitedLog } from '../limited-log.ts'
import type { Dependency } from '../remote/calls/dependency.ts'
import type { HttpClient } from '../remote/calls/http-client.ts'
import type { RedisConnection } from '../remote/redis/connection.ts'
import type { Sealing } from '../remote/redis/sealing.ts'
import type { ReplayGuard } from '../remote/replay-guard.ts'
import type { TimerOf } from '../timing.ts'

/** @typeParam Whole what parts inside this one get: the same, with what is common to all */
export interface Workbench<Whole> {
  http: HttpClient
  /** A breaker of that name, which metrics watch; it ends with the part that it is made for. */
  dependency(name: string): Dependency
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
  /**
   * A part as it was before a reload, with all that it has learnt, where everything that it is made from is the same; else
   * a new one (compose/parts.ts).
   * @param name of the part, another one for each inside the same part
   * @param madeFrom all that `build` uses: members of the configuration, other parts that were kept
   */
  keep<T>(name: string, madeFrom: readonly unknown[], build: (toolkit: Whole) => T): T
  /** Ends what was built, once no configuration uses the part any more. */
  onClose(end: () => unknown): void
  logger: Logger
  /** For lines that an outage would repeat for each request. */
  limitedLog: LimitedLog
  /** For signatures: all that are verified in one turn of the event loop are verified together. */
  burst: Burst
  timerOf: TimerOf
  /** ms since the epoch */
  now: () => number
}

/** Of all parts: a change of it makes all of them anew. */
export interface Common {
  /** Undefined where no Redis is configured. */
  shared: Shared | undefined
  /** Lets what may be used once be used once. */
  replayGuard: ReplayGuard
}

/** What sidecars share through Redis. */
export interface Shared {
  redis: RedisConnection
  sealing: Sealing
  /** Of all keys of these sidecars. */
  prefix: string
}

/** Before there is what is common. */
export interface CommonToolkit extends Workbench<CommonToolkit> {}

export interface Toolkit extends Workbench<Toolkit>, Common {}
