import { compileExpression } from '../../matching/expression.ts'
import { parsePattern } from '../../matching/pattern.ts'
import type { PolicyConfig } from '../schema/policy.ts'
import type { Config } from '../schema.ts'
import type { PathProblem } from './check.ts'

type OfPolicy = (policy: PolicyConfig, path: readonly string[]) => PathProblem[]

export const ofEach =
  (check: OfPolicy) =>
  ({ policies }: Config): PathProblem[] =>
    Object.entries(policies).flatMap(([name, policy]) => check(policy, ['policies', name]))

/** Expressions that can be parsed, and that yield true or false. */
export const conditionsCompile = ofEach((policy, path) => [
  ...conditionProblems(policy.conditions, path),
  ...policy.rules.flatMap(({ conditions }, index) => conditionProblems(conditions, [...path, 'rules', String(index)])),
])

function conditionProblems(conditions: PolicyConfig['conditions'], path: readonly string[]): PathProblem[] {
  return conditions.flatMap(({ expression }, index) =>
    problemOf(() => compileExpression(expression), [...path, 'conditions', String(index), 'expression']),
  )
}

export const pathsReadable = ofEach(({ rules }, path) =>
  rules.flatMap(({ paths = [] }, rule) =>
    paths.flatMap((text, index) =>
      problemOf(() => parsePattern(text), [...path, 'rules', String(rule), 'paths', String(index)]),
    ),
  ),
)

/** What stands behind a rule for every request would never be looked at. */
export const rulesReachable = ofEach(({ rules, unmatched }, path) => {
  const first = rules.findIndex(({ paths, methods }) => !paths && !methods)
  const unreachable = first >= 0 && first < rules.length - 1
  if (unreachable) {
    const reason = `is never reached, since rules[${first}] matches every request`
    return [{ path: [...path, 'rules', String(first + 1)], reason }]
  }
  const pointless = unmatched === 'nobody' && (rules.length === 0 || first >= 0)
  return pointless ? [{ path: [...path, 'unmatched'], reason: 'has no effect, since every request is matched' }] : []
})

/** Two places of one name would be one token found twice. */
export const sourcesApart = ofEach(({ token_from: sources }, path) => {
  const seen = new Set<string>()
  return sources.flatMap((source, index) => {
    const key = Object.entries(source).flat().join(' ')
    const known = seen.has(source.header === undefined ? key : key.toLowerCase())
    seen.add(source.header === undefined ? key : key.toLowerCase())
    return known ? [{ path: [...path, 'token_from', String(index)], reason: 'is named twice' }] : []
  })
})

function problemOf(work: () => unknown, path: readonly string[]): PathProblem[] {
  try {
    work()
    return []
  } catch (error) {
    return [{ path, reason: error instanceof Error ? error.message : 'is wrong' }]
  }
}

/** One without the other would admit nobody, or everybody. */
export const inspectionCredentialsWhole = ofEach(({ inspection }, path) =>
  (inspection?.client_id === undefined) === (inspection?.client_secret === undefined)
    ? []
    : [{ path: [...path, 'inspection'], reason: 'needs client_id and client_secret, or neither' }],
)
