/** Step-up authentication (RFC 9470): how, and how lately, the user must have proved who they are. */
import type { RequirementsConfig } from '../../config/schema/requirements.ts'
import type { Identity } from '../identity.ts'
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

/** Between the clocks of the issuer and of the sidecar. What lies further ahead is no time in seconds. */
const clocksDifferMs = 60_000

/** No leeway: the user proves it again a moment earlier, which harms nobody. */
export function requireRecentAuthentication({ max_age: maxAge }: RequirementsConfig, refuse: Refuse): Requirement[] {
  if (maxAge === undefined) return []
  const metUntil = ({ claims: { auth_time: at } }: Identity, now: number) =>
    typeof at === 'number' && at * 1_000 <= now + clocksDifferMs ? (at + maxAge) * 1_000 : Number.NEGATIVE_INFINITY
  return [
    {
      name: 'max_age',
      ofToken: false,
      isMet: (identity, _request, now) => now <= metUntil(identity, now),
      metUntil,
      refusal: refuse(error, 'more recent authentication is required', { max_age: String(maxAge) }),
    },
  ]
}
