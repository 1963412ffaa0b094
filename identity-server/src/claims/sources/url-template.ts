/** URLs with expressions in path and query, which cannot break out of the place where they stand. */
import { ExpressionError } from '../errors.ts'
import { type Bindings, compileExpression, type Expression } from '../expression.ts'
import type { Budget } from '../meter.ts'
import { toText } from '../result.ts'
import { splitTemplate } from '../template-syntax.ts'

export interface UrlTemplate {
  /** Scheme, host and port, with a slash. */
  readonly origin: string
  readonly expressions: readonly Expression[]
  /** @throws ExpressionError where a value cannot stand in a URL */
  make(bindings: Bindings, budget: Budget): string
}

/** Scheme and authority, up to where the path begins. */
const fixedOrigin = /^https?:\/\/[^/?#]+\//
const dots = /^(?:\.|%2e){1,2}$/i

/** @throws ExpressionError */
export function compileUrl(template: string): UrlTemplate {
  const segments = splitTemplate(template)
  const [first] = segments
  const [origin] = (first && 'text' in first && fixedOrigin.exec(first.text)) || []
  if (origin === undefined) {
    throw new ExpressionError('no_fixed_origin', 'a URL begins with scheme, host and a slash, without expressions')
  }
  const expressions: Expression[] = []
  const parts = segments.map((segment) => {
    if ('text' in segment) return () => segment.text
    const expression = compileExpression(segment.expression)
    expressions.push(expression)
    return (bindings: Bindings, budget: Budget) => encode(toText(expression.evaluate(bindings, budget)))
  })
  return {
    origin,
    expressions,
    make(bindings, budget) {
      const url = parts.map((part) => part(bindings, budget)).join('')
      requirePlainPath(url)
      return url
    },
  }
}

function encode(value: string): string {
  // Nobody is one directory up: an empty value would ask for somebody else, or for all.
  if (value === '') throw new ExpressionError('empty_in_url', 'an expression of the URL yields nothing')
  return encodeURIComponent(value)
}

/** Steps of a path that are dots are walked by whoever parses the URL (RFC 3986 section 5.2.4). */
function requirePlainPath(url: string): void {
  const [path = ''] = url.replace(fixedOrigin, '').split(/[?#]/)
  if (path.split('/').some((step) => dots.test(step))) {
    throw new ExpressionError('dots_in_url', 'a step of the URL is made of dots')
  }
}
