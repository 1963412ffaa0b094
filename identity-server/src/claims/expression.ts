/** CEL expressions (https://github.com/google/cel-spec): compiled once, with everything that is wrong told then. */
import { TypeError as CelTypeError, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js'
import { variables } from './context.ts'
import { ExpressionError } from './errors.ts'
import { inspect } from './inspect.ts'
import { expressionLimits, savedLimits } from './limits.ts'
import { type Budget, installMeter, tooCostly } from './meter.ts'

/** The values of the variables, by name. */
export type Bindings = Readonly<Record<string, unknown>>

export interface Expression {
  /** What it yields, as far as it is known: `bool`, `list<string>`, `dyn`. */
  readonly type: string
  readonly variables: ReadonlySet<string>
  readonly sources: ReadonlyMap<string, number>
  /** @returns a value of CEL, see result.ts. @throws ExpressionError */
  evaluate(bindings: Bindings, budget: Budget): unknown
}

const environment = new Environment({
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: expressionLimits,
})
for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type)
// The conversions of the CEL specification that the library lacks.
environment
  .registerFunction('int(google.protobuf.Timestamp): int', (time: Date) => BigInt(Math.floor(time.getTime() / 1000)))
  .registerFunction('string(google.protobuf.Timestamp): string', (time: Date) => time.toISOString())
const meter = installMeter(environment)

/** @throws ExpressionError */
export function compileExpression(text: string): Expression {
  if (text.length > savedLimits.expressionLength) {
    throw new ExpressionError('too_long', `an expression has at most ${savedLimits.expressionLength} characters`)
  }
  const parsed = translate(() => environment.parse(text))
  const inspection = inspect(parsed.ast)
  const { valid, type, error } = parsed.check()
  if (!valid || type === undefined) throw toExpressionError(error)
  meter.register(inspection)
  return {
    type,
    variables: inspection.variables,
    sources: inspection.sources,
    evaluate: (bindings, budget) => translate(() => meter.spend(budget, () => parsed(bindings))),
  }
}

function translate<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toExpressionError(error)
  }
}

function toExpressionError(error: unknown): ExpressionError {
  if (error === tooCostly) return new ExpressionError('too_costly', tooCostly.message)
  if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError) {
    return new ExpressionError(error.code, error.summary, error.range?.start)
  }
  return new ExpressionError('evaluation_failed', 'the expression could not be evaluated')
}
