/** The attributes of one evaluation: each source is asked at most once, and only when it is needed. */
import { ExpressionError } from '../errors.ts'
import type { Bindings } from '../expression.ts'
import type { Budget } from '../meter.ts'
import { type AttributeSource, SourceError } from './source.ts'

export interface Attributes {
  /** What expressions see as `attributes`: filled by `load`. */
  readonly values: Readonly<Record<string, unknown>>
  /** Asks those that were not asked before. Resolves when all have answered or failed. */
  load(names: readonly string[], bindings: Bindings, budget: Budget): Promise<void> | undefined
  /** Why the first of these that must not fail has failed; undefined where none has. */
  failureOf(names: readonly string[]): ExpressionError | SourceError | undefined
}

export function createAttributes(sources: ReadonlyMap<string, AttributeSource>): Attributes {
  const values: Record<string, unknown> = Object.create(null)
  const failures = new Map<string, ExpressionError | SourceError>()

  const fail = ({ name, onFailure }: AttributeSource, error: unknown) => {
    if (!(error instanceof ExpressionError) && !(error instanceof SourceError)) throw error
    values[name] = null
    if (onFailure === 'fail') failures.set(name, error)
  }

  const ask = (source: AttributeSource, bindings: Bindings, budget: Budget): Promise<void> | undefined => {
    try {
      const answer = source.read(bindings, budget)
      if (answer instanceof Promise) {
        return answer.then(
          (value) => {
            values[source.name] = value
          },
          (error) => fail(source, error),
        )
      }
      values[source.name] = answer
    } catch (error) {
      fail(source, error)
    }
    return undefined
  }

  return {
    values,
    load(names, bindings, budget) {
      const asked: Promise<void>[] = []
      for (const name of new Set(names)) {
        const source = name in values ? undefined : sources.get(name)
        const answer = source && ask(source, bindings, budget)
        if (answer) asked.push(answer)
      }
      return asked.length === 0 ? undefined : Promise.all(asked).then(() => undefined)
    },
    failureOf: (names) => names.map((name) => failures.get(name)).find((failure) => failure !== undefined),
  }
}
