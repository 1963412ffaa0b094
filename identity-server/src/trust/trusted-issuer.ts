/** An issuer of others that an auth server trusts, ready to judge its JWTs. */
import { readUnverifiedJws } from '@postern/protocol/compact-jws'
import { OAuthError } from '@postern/protocol/oauth-error'
import type { JWTPayload } from 'jose'
import { maxAssertionLength, type VerifiedClaims, verifyAssertion } from '../assertions/verify.ts'
import { ExpressionError } from '../claims/errors.ts'
import { compileExpression, type Expression } from '../claims/expression.ts'
import { compileTemplate, type Template } from '../claims/template.ts'
import type { KeysOf } from '../clients/keys.ts'
import { signingAlgorithms } from '../keys/algorithms.ts'
import { OutgoingError } from '../outgoing/error.ts'
import type { KeySource } from '../outgoing/key-source.ts'
import type { SubjectPurpose, TrustedFor, TrustedIssuerSettings } from './settings.ts'
import { isStatement, type StatementClaims, verifyStatement } from './software-statement.ts'

export interface TrustedIssuer {
  id: string
  issuer: string
  isTrustedFor(purpose: TrustedFor): boolean
  mayBePresentedBy(client: string): boolean
  /** Scopes that can be granted on its word. */
  scopes: readonly string[]
  /**
   * @param purpose decides the audience: assertions are for this server alone
   * @param audience the issuer identifier of the auth server
   * @returns undefined where the JWT is not genuine, timely and meant for this, or the condition does not hold
   * @throws OAuthError `temporarily_unavailable` where the keys cannot be had
   */
  verify(jwt: string, purpose: SubjectPurpose, audience: string, now: number): Promise<TrustedClaims | undefined>
  /**
   * Judges what is said to be a software statement of the issuer.
   * @param audience the issuer identifier of the auth server
   * @returns `unapproved` where it is genuine, but the condition does not hold
   * @throws OAuthError `temporarily_unavailable` where the keys cannot be had
   */
  judgeStatement(statement: string, audience: string, now: number): Promise<'approved' | 'unapproved' | 'invalid'>
}

export interface TrustedClaims {
  /** The subject at this auth server. */
  subject: string
  claims: VerifiedClaims
}

/** Explicit types that are no tokens or assertions: what was made for something else proves nothing here. */
const types = {
  assertions: [undefined, 'JWT', 'authorization-grant+jwt'],
  subject_tokens: [undefined, 'JWT', 'at+jwt', 'application/at+jwt'],
} satisfies Record<SubjectPurpose, readonly (string | undefined)[]>

const defaultMaxLifetime = 3_600
const maxSubjectLength = 255
const budget = 10_000

/** @throws ExpressionError where the mapping or the condition is none */
export function createTrustedIssuer(
  { id, issuer, settings }: { id: string; issuer: string; settings: TrustedIssuerSettings },
  keysOf: KeysOf,
): TrustedIssuer {
  const mapping = settings.subject === undefined ? undefined : compileTemplate(settings.subject)
  const condition = settings.condition === undefined ? undefined : compileExpression(settings.condition)
  const keys = blamingNobody(keysOf({ settings }))
  const algorithms = settings.algorithms ?? signingAlgorithms
  const isTrustedFor = (purpose: TrustedFor) => settings.trusted_for.includes(purpose)
  return {
    id,
    issuer,
    scopes: settings.scopes ?? [],
    isTrustedFor,
    mayBePresentedBy: (client) => settings.clients?.includes(client) ?? true,
    async verify(jwt, purpose, audience, now) {
      // Strictly spelled, or whatever remembers it as text could be passed by.
      if (!keys || !mapping || !readUnverifiedJws(jwt, maxAssertionLength)) return undefined
      const alone = purpose === 'assertions'
      const expected = {
        keys,
        algorithms,
        issuer,
        audiences: alone ? [audience] : (settings.audiences ?? [audience]),
        alone,
        types: types[purpose],
        maxLifetime: settings.max_lifetime ?? defaultMaxLifetime,
      }
      const claims = await verifyAssertion(jwt, expected, now)
      // Whoever has a copy of the software has its statement.
      if (!claims || (isTrustedFor('software_statements') && isStatement(claims))) return undefined
      const subject = subjectOf(claims, mapping, condition, now)
      return subject === undefined ? undefined : { subject, claims }
    },
    async judgeStatement(statement, audience, now) {
      if (!keys || !readUnverifiedJws(statement, maxAssertionLength)) return 'invalid'
      const audiences = settings.audiences ?? [audience]
      const expected = { keys, algorithms, issuer, audiences, maxAge: settings.max_statement_age }
      const claims = await verifyStatement(statement, expected, now)
      if (!claims) return 'invalid'
      return isApproved(claims, condition, now) ? 'approved' : 'unapproved'
    },
  }
}

/**
 * Where the keys cannot be had, for now or until an administrator mends the `jwks_uri`: neither the JWT nor whoever presents
 * it is to blame, so it is not refused. What is wrong with them stands in the log and in the event.
 */
function blamingNobody(keys: KeySource | undefined): Pick<KeySource, 'verify'> | undefined {
  return (
    keys && {
      verify: (attempt) =>
        keys.verify(attempt).catch((cause: unknown) => {
          if (!(cause instanceof OutgoingError)) throw cause
          throw new OAuthError('temporarily_unavailable', 'the keys of the issuer cannot be had', { cause })
        }),
    }
  )
}

/** @returns undefined where the condition does not hold, or claims that the mapping needs are missing */
function subjectOf(
  claims: VerifiedClaims,
  mapping: Template,
  condition: Expression | undefined,
  now: number,
): string | undefined {
  return evaluate(claims, now, (bindings, shared) => {
    if (!holds(condition, bindings, shared)) return undefined
    const subject = mapping.make(bindings, shared)
    const fits = typeof subject === 'string' && subject !== '' && subject.length <= maxSubjectLength
    return fits ? subject : undefined
  })
}

function isApproved(claims: StatementClaims, condition: Expression | undefined, now: number): boolean {
  return evaluate(claims, now, (bindings, shared) => holds(condition, bindings, shared)) ?? false
}

type Bindings = Readonly<Record<string, unknown>>

function holds(condition: Expression | undefined, bindings: Bindings, shared: { left: number }): boolean {
  return !condition || condition.evaluate(bindings, shared) === true
}

/** @returns undefined where an expression fails, such as over a claim that is not there: the JWT is not what was agreed upon */
function evaluate<T>(
  claims: JWTPayload,
  now: number,
  work: (bindings: Bindings, shared: { left: number }) => T,
): T | undefined {
  try {
    return work({ subject_token: claims, now: new Date(now) }, { left: budget })
  } catch (error) {
    if (error instanceof ExpressionError) return undefined
    throw error
  }
}
