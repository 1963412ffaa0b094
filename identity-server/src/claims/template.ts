/** JSON whose texts may hold expressions: compiled once, made anew from each context. */
import { ExpressionError } from './errors.ts'
import { type Bindings, compileExpression, type Expression } from './expression.ts'
import type { Budget } from './meter.ts'
import { toJson, toText } from './result.ts'
import { splitTemplate } from './template-syntax.ts'

/** @throws ExpressionError */
type Make = (bindings: Bindings, budget: Budget) => unknown

export interface Template {
  readonly expressions: readonly TemplateExpression[]
  make: Make
}

export interface TemplateExpression {
  readonly expression: Expression
  /** JSON pointer of its text, and how many characters into it. */
  readonly where: string
  readonly start: number
}

/**
 * A text that is one expression and nothing else yields what the expression yields; otherwise expressions become text.
 * @param value JSON. @throws ExpressionError with the JSON pointer of the text
 */
export function compileTemplate(value: unknown): Template {
  const expressions: TemplateExpression[] = []
  const make = compileValue(toJson(value), '', expressions)
  if (expressions.length > 0) return { make, expressions }
  const constant = make({}, { left: 0 })
  return { make: () => constant, expressions }
}

function compileValue(value: unknown, where: string, found: TemplateExpression[]): Make {
  if (typeof value === 'string') return compileText(value, where, found)
  if (typeof value !== 'object' || value === null) return () => value
  const members = Object.entries(value).map(([key, member]): [string, Make] => {
    // RFC 6901 section 3
    const step = key.replaceAll('~', '~0').replaceAll('/', '~1')
    return [key, compileValue(member, `${where}/${step}`, found)]
  })
  if (Array.isArray(value)) return (bindings, budget) => members.map(([, make]) => make(bindings, budget))
  return (bindings, budget) => Object.fromEntries(members.map(([key, make]) => [key, make(bindings, budget)]))
}

function compileText(text: string, where: string, found: TemplateExpression[]): Make {
  const at = <T>(offset: number, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw error instanceof ExpressionError ? error.within(where, offset) : error
    }
  }
  const segments = at(0, () => splitTemplate(text))
  const parts = segments.map((segment) => {
    if ('text' in segment) return () => segment.text
    const expression = at(segment.start, () => compileExpression(segment.expression))
    found.push({ expression, where, start: segment.start })
    const convert = segments.length === 1 ? toJson : toText
    return (bindings: Bindings, budget: Budget) =>
      at(segment.start, () => convert(expression.evaluate(bindings, budget)))
  })
  const [only, another] = parts
  if (!only) return () => ''
  if (!another) return only
  return (bindings, budget) => parts.map((part) => part(bindings, budget)).join('')
}
