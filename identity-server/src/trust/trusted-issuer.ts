/** An issuer of others that an auth server trusts, ready to judge its JWTs. */
import { readUnverifiedJws } from '@postern/protocol/compact-jws'
import { maxAssertionLength, type VerifiedClaims, verifyAssertion } from '../assertions/verify.ts'
import { ExpressionError } from '../claims/errors.ts'
import { compileExpression, type Expression } from '../claims/expression.ts'
import { compileTemplate, type Template } from '../claims/template.ts'
import type { KeysOf } from '../clients/keys.ts'
import { signingAlgorithms } from '../keys/algorithms.ts'
import type { TrustedFor, TrustedIssuerSettings } from './settings.ts'

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
   * @throws OutgoingError where the keys cannot be had
   */
  verify(jwt: string, purpose: TrustedFor, audience: string, now: number): Promise<TrustedClaims | undefined>
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
} satisfies Record<TrustedFor, readonly (string | undefined)[]>

const defaultMaxLifetime = 3_600
const maxSubjectLength = 255
const budget = 10_000

/** @throws ExpressionError where the mapping or the condition is none */
export function createTrustedIssuer(
  { id, issuer, settings }: { id: string; issuer: string; settings: TrustedIssuerSettings },
  keysOf: KeysOf,
): TrustedIssuer {
  const mapping = compileTemplate(settings.subject)
  const condition = settings.condition === undefined ? undefined : compileExpression(settings.condition)
  const keys = keysOf({ settings })
  return {
    id,
    issuer,
    scopes: settings.scopes,
    isTrustedFor: (purpose) => settings.trusted_for.includes(purpose),
    mayBePresentedBy: (client) => settings.clients?.includes(client) ?? true,
    async verify(jwt, purpose, audience, now) {
      // Strictly spelled, or whatever remembers it as text could be passed by.
      if (!keys || !readUnverifiedJws(jwt, maxAssertionLength)) return undefined
      const alone = purpose === 'assertions'
      const expected = {
        keys,
        algorithms: settings.algorithms ?? signingAlgorithms,
        issuer,
        audiences: alone ? [audience] : (settings.audiences ?? [audience]),
        alone,
        types: types[purpose],
        maxLifetime: settings.max_lifetime ?? defaultMaxLifetime,
      }
      const claims = await verifyAssertion(jwt, expected, now)
      const subject = claims && subjectOf(claims, mapping, condition, now)
      return claims && subject !== undefined ? { subject, claims } : undefined
    },
  }
}

/** @returns undefined where the condition does not hold, or claims that the mapping needs are missing */
function subjectOf(
  claims: VerifiedClaims,
  mapping: Template,
  condition: Expression | undefined,
  now: number,
): string | undefined {
  const bindings = { subject_token: claims, now: new Date(now) }
  const shared = { left: budget }
  try {
    if (condition && condition.evaluate(bindings, shared) !== true) return undefined
    const subject = mapping.make(bindings, shared)
    const fits = typeof subject === 'string' && subject !== '' && subject.length <= maxSubjectLength
    return fits ? subject : undefined
  } catch (error) {
    // A claim that is not there: the JWT is not one that was agreed upon.
    if (error instanceof ExpressionError) return undefined
    throw error
  }
}
