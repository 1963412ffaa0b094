/** Scopes that the token must have been granted: all of some, or one of some. */
import { formatScope, missingScopes, parseScope } from '@postern/protocol/scope'
import type { RequirementsConfig } from '../../config/schema/requirements.ts'
import type { Identity } from '../identity.ts'
import type { Refuse, Requirement } from './requirement.ts'

export function requireAllScopes({ required_scopes: required }: RequirementsConfig, refuse: Refuse): Requirement[] {
  if (required.length === 0) return []
  const scope = formatScope(required)
  return [
    {
      name: 'required_scopes',
      ofToken: true,
      isMet: (identity) => missingScopes(required, grantedTo(identity)).length === 0,
      refusal: refuse('insufficient_scope', `the scope ${scope} is required`, { scope }),
    },
  ]
}

export function requireAnyScope({ any_scope: accepted }: RequirementsConfig, refuse: Refuse): Requirement[] {
  if (!accepted) return []
  const scope = formatScope(accepted)
  return [
    {
      name: 'any_scope',
      ofToken: true,
      isMet: (identity) => grantedTo(identity).some((granted) => accepted.includes(granted)),
      refusal: refuse('insufficient_scope', `one of the scopes ${scope} is required`, { scope }),
    },
  ]
}

/** What breaks the grammar grants nothing. */
function grantedTo({ claims: { scope } }: Identity): readonly string[] {
  return (typeof scope === 'string' && parseScope(scope)) || []
}
