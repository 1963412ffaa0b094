/** Step-up authentication (RFC 9470): how, and how lately, the user must have proved who they are. */
import type { RequirementsConfig } from '../../config/schema/requirements.ts'
import type { Refuse, Requirement } from './requirement.ts'

const error = 'insufficient_user_authentication'

export function requireAuthenticationContext(
  { acr_values: accepted }: RequirementsConfig,
  refuse: Refuse,
): Requirement[] {
  if (!accepted) return []
  return [
    {
      name: 'acr_values',
      ofToken: true,
      isMet: ({ claims: { acr } }) => typeof acr === 'string' && accepted.includes(acr),
      refusal: refuse(error, 'a different authentication level is required', { acr_values: accepted.join(' ') }),
    },
  ]
}

/** No leeway: the user proves it again a moment earlier, which harms nobody. */
export function requireRecentAuthentication({ max_age: maxAge }: RequirementsConfig, refuse: Refuse): Requirement[] {
  if (maxAge === undefined) return []
  return [
    {
      name: 'max_age',
      ofToken: false,
      isMet: ({ claims: { auth_time: at } }, _request, now) => typeof at === 'number' && now <= (at + maxAge) * 1_000,
      refusal: refuse(error, 'more recent authentication is required', { max_age: String(maxAge) }),
    },
  ]
}
