/** The change to another configuration: all of it or nothing, one at a time. */
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { Engine } from './engine.ts'
import type { Listening } from './listening.ts'
import type { Readiness } from './readiness.ts'

export interface ReloadParts {
  engine: Engine
  listening: Listening
  readiness: Readiness
  logger: Logger
  /** What changes with it besides. */
  apply(config: Config): void
  observe(outcome: 'success' | 'failure'): void
}

export interface Reload {
  /**
   * Of those that wait for one that is under way, there is one at most: it is run for all who asked meanwhile.
   * @returns whether the configuration was taken over
   */
  run(load: () => Config): Promise<boolean>
  /** Ends one that waits, and refuses later ones. */
  close(): Promise<void>
}

export function createReload({ engine, listening, readiness, logger, apply, observe }: ReloadParts): Reload {
  let last: Promise<unknown> = Promise.resolve()
  let waiting: Promise<boolean> | undefined
  let closed = false

  const change = async (load: () => Config): Promise<void> => {
    const config = load()
    const prepared = engine.prepare(config)
    const move = await listening.move(config).catch(async (error: unknown) => {
      await prepared.abandon()
      throw error
    })
    const { drained } = await prepared.takeOver()
    const closed = Promise.all([drained, move.keep()])
    apply(config)
    await closed
  }

  const attempt = async (load: () => Config): Promise<boolean> => {
    if (closed) return false
    try {
      await change(load)
      observe('success')
      readiness.reloaded(undefined)
      logger.info({ address: listening.address(), admin: listening.adminAddress() }, 'the configuration was changed')
      return true
    } catch (error) {
      const reason = reasonOf(error)
      observe('failure')
      readiness.reloaded(reason)
      logger.error({ reason }, 'the changed configuration is refused, the old one stays')
      return false
    }
  }

  return {
    run(load) {
      waiting ??= last.then(() => {
        waiting = undefined
        return attempt(load)
      })
      last = waiting
      return waiting
    },
    async close() {
      closed = true
      engine.hurry()
      await last
    },
  }
}

/** Messages about configuration name members, files and variables, never the values of secrets. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it cannot be read'
}
