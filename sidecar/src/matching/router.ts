/** The first step: which rule of the policy a request falls under. The first one that matches counts. */
import type { DecisionRequest } from '@postern/protocol/decision'
import { type Oddity, readPath } from './path.ts'
import { type PathPattern, parsePattern } from './pattern.ts'

export interface RuleMatch {
  /** Undefined: any path. */
  paths: readonly string[] | undefined
  /** Undefined: any method. */
  methods: readonly string[] | undefined
}

export interface RouterOptions {
  /** What the upstream is known to take literally. */
  allowed: readonly Oddity[]
  /** Whether paths that differ by case only are different to the upstream. */
  caseDistinct: boolean
}

/**
 * The number of the rule, the number of rules where none matches, or `ambiguous` where different readers could find
 * different ones.
 */
export type Router = (request: Pick<DecisionRequest, 'method' | 'uri'>) => number | 'ambiguous'

interface CompiledRule {
  patterns: readonly PathPattern[] | undefined
  methods: ReadonlySet<string> | undefined
}

/** Upstreams take `get` for GET, or refuse it: as a method it is another one. */
export function isUsualMethod(method: string): boolean {
  return /^[A-Z][A-Z-]*$/.test(method)
}

/** @throws Error for a pattern that is none */
export function createRouter(rules: readonly RuleMatch[], options: RouterOptions): Router {
  if (rules.length === 0) return () => 0
  const compiled = rules.map(compileRule)
  const allowed = new Set(options.allowed)
  const readsPaths = compiled.some(({ patterns }) => patterns)
  const readsMethods = compiled.some(({ methods }) => methods)

  const find = (method: string, matches: (pattern: PathPattern) => boolean): number => {
    for (const [index, rule] of compiled.entries()) {
      if (rule.methods && !rule.methods.has(method)) continue
      if (!rule.patterns || rule.patterns.some(matches)) return index
    }
    return compiled.length
  }

  return ({ method, uri }) => {
    if (readsMethods && !isUsualMethod(method)) return 'ambiguous'
    if (!readsPaths) return find(method, () => true)
    const path = readPath(uri, allowed)
    if (!path) return 'ambiguous'
    const found = find(method, (pattern) => pattern.matches(path.segments))
    if (options.caseDistinct) return found
    return found === find(method, (pattern) => pattern.matchesFolded(path.folded)) ? found : 'ambiguous'
  }
}

function compileRule({ paths, methods }: RuleMatch): CompiledRule {
  return { patterns: paths?.map(parsePattern), methods: methods && new Set(methods.flatMap(answeredAlike)) }
}

/** HEAD is answered by whatever answers GET (RFC 9110 section 9.3.2). */
function answeredAlike(method: string): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method]
}
