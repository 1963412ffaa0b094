/** Conditions in CEL, over the token and the request. */
import type { PolicyConfig } from '../../config/schema/policy.ts'
import type { RequirementsConfig } from '../../config/schema/requirements.ts'
import { type Bindings, compileExpression, type VariableName } from '../../matching/expression.ts'
import type { Identity } from '../identity.ts'
import type { RequestFacts } from '../request-facts.ts'
import type { Refuse, Requirement } from './requirement.ts'

type Provide = (identity: Identity, request: RequestFacts, now: number) => unknown

/** Made only where an expression names them. */
const provide: Record<VariableName, Provide> = {
  claims: ({ claims }) => claims,
  issuer: ({ issuer }) => issuer,
  request: (_identity, request) => request.forExpressions(),
  now: (_identity, _request, now) => new Date(now),
}

/** Depend on nothing but the token. */
const ofToken: ReadonlySet<VariableName> = new Set<VariableName>(['claims', 'issuer'])

/** Whether any condition of a policy depends on what is asked for. @throws ExpressionError */
export function conditionsOnRequest({ conditions, rules }: Pick<PolicyConfig, 'conditions' | 'rules'>): boolean {
  return [...conditions, ...rules.flatMap((rule) => rule.conditions)].some(({ expression }) =>
    compileExpression(expression).variables.includes('request'),
  )
}

/** @throws ExpressionError where an expression is none */
export function requireConditions({ conditions }: RequirementsConfig, refuse: Refuse): Requirement[] {
  return conditions.map(({ expression, description }, index) => {
    const compiled = compileExpression(expression)
    const providers = compiled.variables.map((name) => ({ name, value: provide[name] }))
    return {
      name: `conditions[${index}]`,
      ofToken: compiled.variables.every((name) => ofToken.has(name)),
      metUntil: compiled.variables.includes('now') ? (_identity, now) => now : undefined,
      isMet(identity, request, now) {
        const bindings: Bindings = {}
        for (const { name, value } of providers) bindings[name] = value(identity, request, now)
        return compiled.holds(bindings)
      },
      refusal: refuse('access_denied', description ?? 'a condition of the policy is not met'),
    }
  })
}
