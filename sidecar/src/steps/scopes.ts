/** The step that asks whether the token is enough for this policy. */
import { formatScope, missingScopes, parseScope } from '@postern/protocol/scope'
import { Refusal } from '../failures.ts'
import type { Identity } from './identity.ts'

/** @throws Refusal `insufficient_scope` where a required scope is missing (RFC 6750 section 3.1) */
export function requireScopes({ claims }: Identity, required: readonly string[]): void {
  if (required.length === 0) return
  const { scope } = claims
  const granted = typeof scope === 'string' ? parseScope(scope) : []
  if (!granted || missingScopes(required, granted).length > 0) {
    throw new Refusal('insufficient_scope', `the scope ${formatScope(required)} is required`)
  }
}
