/** One claim: a name, a value made of templates, a condition, and where it may appear. */
import { isReservedClaim } from '@postern/protocol/reserved-claims'
import { onlyAtIssuance } from './context.ts'
import { ExpressionError } from './errors.ts'
import { type Bindings, compileExpression, type Expression } from './expression.ts'
import type { Budget } from './meter.ts'
import { compileTemplate, type TemplateExpression } from './template.ts'

/** Where claims can appear. What is not listed there cannot leak: each place is filled from its own list. */
export const placements = ['access_token', 'id_token', 'userinfo', 'introspection'] as const
export type Placement = (typeof placements)[number]
/** Both, so that whoever reads a token knows as much, whether it is a JWT or opaque. */
export const defaultPlacements: readonly Placement[] = ['access_token', 'introspection']

export interface ClaimDefinition {
  name: string
  /** JSON whose texts may hold `${ CEL }`. */
  value: unknown
  /** CEL that yields a boolean; null: always. */
  condition: string | null
  placements: readonly Placement[]
  /** Left out where it cannot be made, instead of refusing what it belongs to. */
  optional: boolean
}

export interface CompiledClaim {
  readonly name: string
  readonly optional: boolean
  /** Whether its condition does. @throws ExpressionError */
  holds(bindings: Bindings, budget: Budget): boolean
  /** @throws ExpressionError */
  make(bindings: Bindings, budget: Budget): unknown
  /** Attribute sources that the condition names, and those that the value names. */
  readonly conditionSources: readonly string[]
  readonly valueSources: readonly string[]
}

/** Characters that stand in error descriptions as they are (RFC 6749 section 5.2). */
export const claimNamePattern = '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$'
const namePattern = new RegExp(claimNamePattern)
const forbiddenNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** What is wrong with a name; undefined: nothing. */
export function claimNameProblem(name: string): string | undefined {
  if (!namePattern.test(name) || forbiddenNames.has(name)) return 'the name is not allowed'
  return isReservedClaim(name) ? 'the name is reserved for the authorization server' : undefined
}

/** The attribute sources that there are, by name. */
export type KnownSources = ReadonlyMap<string, { readonly variables: ReadonlySet<string> }>

/**
 * @throws ExpressionError telling what is wrong, and where
 */
export function compileClaim(definition: ClaimDefinition, sources: KnownSources): CompiledClaim {
  const { name, condition: text, optional } = definition
  const problem = claimNameProblem(name)
  if (problem) throw new ExpressionError('name_not_allowed', problem, undefined, 'name')
  const condition = text === null ? undefined : at('condition', () => compileCondition(text))
  const value = at('value', () => compileTemplate(definition.value))
  const conditions = condition ? [{ expression: condition, where: '', start: 0 }] : []
  at('condition', () => requireMakeable(conditions, sources, definition.placements))
  at('value', () => requireMakeable(value.expressions, sources, definition.placements))
  const valueSources = value.expressions.flatMap(({ expression }) => [...expression.sources.keys()])
  return {
    name,
    optional,
    holds: (bindings, budget) => !condition || at('condition', () => isTrue(condition.evaluate(bindings, budget))),
    make: (bindings, budget) => at('value', () => value.make(bindings, budget)),
    conditionSources: [...(condition?.sources.keys() ?? [])],
    valueSources: [...new Set(valueSources)],
  }
}

function compileCondition(text: string): Expression {
  const expression = compileExpression(text)
  if (expression.type !== 'bool' && expression.type !== 'dyn') {
    throw new ExpressionError('not_boolean', `a condition is true or false, and this is ${expression.type}`, 0)
  }
  return expression
}

function isTrue(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new ExpressionError('not_boolean', 'the condition is neither true nor false')
  return value
}

/** @throws ExpressionError where something is named that there will not be */
function requireMakeable(
  expressions: readonly TemplateExpression[],
  sources: KnownSources,
  places: readonly Placement[],
): void {
  // What introspection or userinfo makes itself cannot know what only the token request said.
  const later = places.includes('userinfo') || (places.includes('introspection') && !places.includes('access_token'))
  for (const { expression, where, start } of expressions) {
    const problem = missingSource(expression, sources) ?? (later ? onlyKnownAtIssuance(expression, sources) : undefined)
    if (problem) throw problem.within(where, start)
  }
}

function missingSource(expression: Expression, sources: KnownSources): ExpressionError | undefined {
  const missing = [...expression.sources].find(([source]) => !sources.has(source))
  if (!missing) return undefined
  const [source, position] = missing
  return new ExpressionError('no_such_source', `there is no attribute source ${source}`, position)
}

function onlyKnownAtIssuance(expression: Expression, sources: KnownSources): ExpressionError | undefined {
  const ofSources = [...expression.sources.keys()].flatMap((source) => [...(sources.get(source)?.variables ?? [])])
  const name = [...expression.variables, ...ofSources].find((variable) => onlyAtIssuance.has(variable))
  if (name === undefined) return undefined
  return new ExpressionError(
    'only_at_issuance',
    `${name} is known at issuance only, neither at introspection nor at userinfo`,
  )
}

function at<T>(where: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof ExpressionError ? error.within(where) : error
  }
}
