/** CEL expressions (https://github.com/google/cel-spec) that are true or false: compiled once, with what is wrong told then. */
import { type ASTNode, TypeError as CelTypeError, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js'

const variables = {
  claims: 'map<string, dyn>',
  issuer: 'string',
  request: 'map<string, dyn>',
  now: 'google.protobuf.Timestamp',
} as const
export type VariableName = keyof typeof variables

export type Bindings = Partial<Record<VariableName, unknown>>

export interface Condition {
  /** Those that it names. */
  readonly variables: readonly VariableName[]
  /** False also where it cannot be evaluated: a claim that is missing, a text compared with a number. */
  holds(bindings: Bindings): boolean
}

export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}

const environment = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 500, maxDepth: 40, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 16 },
})
for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type)

/** @throws ExpressionError */
export function compileExpression(text: string): Condition {
  const parsed = explained(() => environment.parse(text))
  const { names, calls, durations } = inspect(parsed.ast)
  // The library's regular expressions backtrack, and what they read is the client's to choose.
  if (calls.has('matches')) throw new ExpressionError('matches is not offered: use startsWith, contains, split')
  if (durations.some((text) => text?.op !== 'value')) {
    throw new ExpressionError("duration takes a text that stands there, as in duration('1h')")
  }
  const { valid, type, error } = parsed.check()
  if (!valid) throw explain(error)
  if (type !== 'bool' && type !== 'dyn') throw new ExpressionError(`yields ${type}, but a condition is true or false`)
  return {
    variables: variableNames.filter((name) => names.has(name)),
    holds(bindings) {
      try {
        return parsed(bindings) === true
      } catch {
        return false
      }
    },
  }
}

const variableNames = Object.keys(variables).filter((name): name is VariableName => name in variables)

function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explain(error)
  }
}

function explain(error: unknown): ExpressionError {
  const known = error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError
  return new ExpressionError(known ? error.summary : 'is no CEL expression')
}

/** Names, calls, and what durations are read from, wherever in the tree they stand. */
function inspect(root: ASTNode): { names: Set<string>; calls: Set<string>; durations: (ASTNode | undefined)[] } {
  const names = new Set<string>()
  const calls = new Set<string>()
  const durations: (ASTNode | undefined)[] = []
  const visit = (node: ASTNode) => {
    if (node.op === 'id') names.add(node.args)
    if (node.op === 'call' || node.op === 'rcall') calls.add(node.args[0])
    if (node.op === 'call' && node.args[0] === 'duration') durations.push(node.args[1][0])
    visitParts(node.args)
  }
  const visitParts = (part: unknown) => {
    if (Array.isArray(part)) for (const inner of part) visitParts(inner)
    else if (isNode(part)) visit(part)
  }
  visit(root)
  return { names, calls, durations }
}

function isNode(part: unknown): part is ASTNode {
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part
}
