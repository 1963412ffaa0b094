/** Claims made from a context: at once where no attribute must be waited for. */
import type { CompiledClaim } from './claim.ts'
import type { ClaimContext } from './context.ts'
import { ClaimError, ExpressionError } from './errors.ts'
import { evaluationLimits } from './limits.ts'
import type { Budget } from './meter.ts'
import { type Attributes, createAttributes } from './sources/attributes.ts'
import { type AttributeSource, SourceError } from './sources/source.ts'

export interface MadeClaims {
  readonly claims: Readonly<Record<string, unknown>>
  /** Optional claims that could not be made. */
  readonly omitted: readonly { name: string; reason: string }[]
}

/** What became of one claim. */
export type Outcome =
  | { name: string; status: 'made'; value: unknown }
  /** Its condition does not hold. */
  | { name: string; status: 'not_applicable' }
  /** It is optional and could not be made; or it could not be made at all. */
  | { name: string; status: 'omitted' | 'failed'; error: ExpressionError | SourceError }

export type MaybePromise<T> = T | Promise<T>

const nothing: MadeClaims = { claims: {}, omitted: [] }

/**
 * The claims together.
 * @throws ClaimError where one that is due cannot be made: never is anything issued that silently lacks it
 */
export function evaluateClaims(
  claims: readonly CompiledClaim[],
  sources: ReadonlyMap<string, AttributeSource>,
  context: ClaimContext,
): MaybePromise<MadeClaims> {
  if (claims.length === 0) return nothing
  return whenKnown(evaluateEach(claims, context, createAttributes(sources)), collect)
}

/** What becomes of each claim, in their order. */
export function evaluateEach(
  claims: readonly CompiledClaim[],
  context: ClaimContext,
  attributes: Attributes,
): MaybePromise<Outcome[]> {
  const budget: Budget = { left: evaluationLimits.budget }
  const bindings = { ...context, attributes: attributes.values }
  const load = (sources: readonly string[]) => attributes.load(sources, bindings, budget)
  const limit = createResultLimit()

  const attempt = <Else>(claim: CompiledClaim, sources: readonly string[], work: () => Outcome | Else) => {
    const failure = attributes.failureOf(sources)
    if (failure) return failed(claim.name, 'failed', failure)
    try {
      return work()
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      return failed(claim.name, claim.optional ? 'omitted' : 'failed', error)
    }
  }
  const decide = (claim: CompiledClaim) =>
    attempt<undefined>(claim, claim.conditionSources, () =>
      claim.holds(bindings, budget) ? undefined : { name: claim.name, status: 'not_applicable' },
    )
  const make = (claim: CompiledClaim) =>
    attempt<never>(claim, claim.valueSources, () => {
      const value = claim.make(bindings, budget)
      limit(claim.name, value)
      return { name: claim.name, status: 'made', value }
    })

  // Conditions first: sources that only inapplicable claims name are not asked.
  return whenKnown(load(claims.flatMap((claim) => claim.conditionSources)), () => {
    const decided = claims.map((claim) => ({ claim, outcome: decide(claim) }))
    const due = decided.filter(({ outcome }) => outcome === undefined)
    return whenKnown(load(due.flatMap(({ claim }) => claim.valueSources)), () =>
      decided.map(({ claim, outcome }) => outcome ?? make(claim)),
    )
  })
}

function failed(name: string, status: 'omitted' | 'failed', error: ExpressionError | SourceError): Outcome {
  return { name, status, error }
}

function collect(outcomes: readonly Outcome[]): MadeClaims {
  const claims: [string, unknown][] = []
  const omitted: { name: string; reason: string }[] = []
  for (const outcome of outcomes) {
    if (outcome.status === 'failed') {
      const { name, error } = outcome
      throw new ClaimError(name, error.reason, error instanceof SourceError)
    }
    if (outcome.status === 'made') claims.push([outcome.name, outcome.value])
    if (outcome.status === 'omitted') omitted.push({ name: outcome.name, reason: outcome.error.reason })
  }
  return { claims: Object.fromEntries(claims), omitted }
}

/** Counts the bytes of all claims together. */
function createResultLimit(): (name: string, value: unknown) => void {
  let bytes = 0
  return (name, value) => {
    bytes += Buffer.byteLength(JSON.stringify({ [name]: value }))
    if (bytes > evaluationLimits.resultBytes) {
      throw new ExpressionError(
        'result_too_large',
        `all claims together have at most ${evaluationLimits.resultBytes} bytes`,
      )
    }
  }
}

/** Goes on at once where there is nothing to wait for. */
export function whenKnown<A, B>(value: MaybePromise<A>, next: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return value instanceof Promise ? value.then(next) : next(value)
}
