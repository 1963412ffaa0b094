/** What an issuer's settings must be beyond their types, told when they are saved and not when they are needed. */
import { ExpressionError } from '../claims/errors.ts'
import { compileExpression } from '../claims/expression.ts'
import { compileTemplate } from '../claims/template.ts'
import { type CheckUrl, problemOfKeys } from '../clients/validation.ts'
import type { TrustedIssuerSettings } from './settings.ts'

const known = new Set(['subject_token', 'now'])

/** @returns what is wrong, in words that may be shown; undefined where nothing is */
export function problemOfTrust(settings: TrustedIssuerSettings, checkUrl: CheckUrl): string | undefined {
  if (settings.jwks === undefined && settings.jwks_uri === undefined) return 'jwks or jwks_uri is required'
  const keys = problemOfKeys(settings, checkUrl)
  if (keys !== undefined) return keys
  const { trusted_for, subject, condition, scopes } = settings
  if (trusted_for.some((purpose) => purpose !== 'software_statements') && (subject === undefined || !scopes)) {
    return 'assertions and subject_tokens need subject and scopes'
  }
  return (
    problemOfExpressions('subject', () =>
      subject === undefined ? [] : compileTemplate(subject).expressions.map((one) => one.expression),
    ) ?? problemOfExpressions('condition', () => (condition === undefined ? [] : [compileExpression(condition)]))
  )
}

function problemOfExpressions(
  member: string,
  compile: () => readonly { variables: ReadonlySet<string> }[],
): string | undefined {
  try {
    const others = compile().flatMap(({ variables }) => [...variables].filter((name) => !known.has(name)))
    return others.length === 0 ? undefined : `${member} may speak of subject_token and now only`
  } catch (error) {
    if (error instanceof ExpressionError) return `${member}: ${error.message}`
    throw error
  }
}
