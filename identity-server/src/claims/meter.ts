/**
 * What evaluating costs, counted while it happens. CEL always ends, but macros within macros multiply: a few dozen
 * characters can keep a processor busy for minutes. So each node that is evaluated costs a unit, and what functions and
 * operators are given costs by its size, before they see it. A unit is about a tenth of a microsecond.
 */
import type { ASTNode, Environment } from '@marcbachmann/cel-js'

/** Units that are left, for one evaluation or several. */
export interface Budget {
  left: number
}

/** The nodes whose values are read through, not only passed on. */
export interface Weighed {
  /** What operators and functions take. */
  readonly operands: readonly ASTNode[]
  /** What loops go through. */
  readonly iterated: readonly ASTNode[]
  /** Searches of text in text: their time may grow with the product of both lengths. */
  readonly searches: readonly { text: ASTNode; pattern: ASTNode }[]
}

export interface Meter {
  /** Must be called for each parsed expression before it runs. */
  register(weighed: Weighed): void
  /** Runs synchronous evaluations on the budget. @throws TooCostly where it is spent */
  spend<T>(budget: Budget, work: () => T): T
}

/** Without a stack: it is thrown once more for each item of a loop that goes on in spite of errors. */
export const tooCostly: Error = Object.assign(new Error('the evaluation costs too much'), { stack: '' })

const charactersPerUnit = 64
const comparisonsPerUnit = 256
const itemsPerUnit = 16
/** Calendars are slow. */
const unitsPerTime = 10

/** What a macro's `evaluate` is handed, as far as it is needed here: every node is evaluated through `run`. */
interface Evaluator {
  run(node: Evaluated, context: unknown): unknown
}
type Evaluated = ASTNode & { evaluate(evaluator: Evaluator, node: Evaluated, context: unknown): unknown }

/** Takes hold of the evaluator of an environment, by means of a macro. */
export function installMeter(environment: Environment): Meter {
  const operands = new WeakSet<ASTNode>()
  const iterated = new WeakSet<ASTNode>()
  const patternOf = new WeakMap<ASTNode, ASTNode>()
  const patterns = new WeakMap<ASTNode, number>()
  const weigh = createScale()
  let current: Budget = { left: 0 }

  const charge = (units: number) => {
    current.left -= units
    if (current.left < 0) throw tooCostly
  }

  const costOfText = (node: ASTNode, text: string) => {
    // Arguments are evaluated before the text that is searched, so the pattern's length is known by then.
    if (patterns.has(node)) patterns.set(node, text.length)
    const pattern = patternOf.get(node)
    const comparisons = pattern ? text.length * (patterns.get(pattern) ?? 0) : 0
    return text.length / charactersPerUnit + comparisons / comparisonsPerUnit
  }

  const costOf = (node: ASTNode, value: unknown) => {
    if (typeof value === 'string') return costOfText(node, value)
    if (typeof value !== 'object' || value === null) return 0
    const made = node.op === 'rcall' && Array.isArray(value) ? value.length / itemsPerUnit : 0
    // In advance: a loop that swallows errors of single items would go on to its end without a budget.
    const steps = iterated.has(node) ? (Array.isArray(value) ? value.length : Object.keys(value).length) : 0
    return made + steps + (operands.has(node) ? weigh(value) : 0)
  }

  environment.registerFunction('metered(ast): dyn', ({ args: [inner] }: { args: [ASTNode] }) => ({
    typeCheck: (checker: { check(node: ASTNode, context: unknown): unknown }, _macro: unknown, context: unknown) =>
      checker.check(inner, context),
    evaluate(evaluator: Evaluator) {
      evaluator.run = (node, context) => {
        charge(1)
        const value = node.evaluate(evaluator, node, context)
        charge(costOf(node, value))
        return value
      }
      return true
    },
  }))
  environment.evaluate('metered(true)')

  const meter: Meter = {
    register(weighed) {
      for (const node of weighed.operands) operands.add(node)
      for (const node of weighed.iterated) iterated.add(node)
      for (const { text, pattern } of weighed.searches) {
        patternOf.set(text, pattern)
        patterns.set(pattern, 0)
      }
    },
    spend(budget, work) {
      current = budget
      const result = work()
      // Loops such as `exists` swallow errors of single items; this one they must not.
      if (budget.left < 0) throw tooCostly
      return result
    },
  }
  requireCounting(meter, environment)
  return meter
}

/** The library does not promise to evaluate through `run`. Where it no longer does, nothing may run unmetered. */
function requireCounting(meter: Meter, environment: Environment): void {
  const budget = { left: 100 }
  meter.spend(budget, () => environment.evaluate('[1, 2, 3].map(item, item + 1)'))
  // Three items, each with a step, a sum and its two operands.
  if (budget.left > 100 - 12) throw new Error('the CEL library evaluates without being counted')
}

/** Weighs values through and through. Parts that occur many times weigh as often, but are looked at once. */
function createScale(): (value: unknown) => number {
  const known = new WeakMap<object, number>()
  const weigh = (value: unknown): number => {
    if (typeof value === 'string') return 1 + value.length / charactersPerUnit
    if (typeof value !== 'object' || value === null) return 1
    if (value instanceof Uint8Array) return 1 + value.length / charactersPerUnit
    if (value instanceof Date) return unitsPerTime
    const before = known.get(value)
    if (before !== undefined) return before
    const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
    const weight = members.reduce<number>((sum, member) => sum + weigh(member), 1)
    known.set(value, weight)
    return weight
  }
  return weigh
}
