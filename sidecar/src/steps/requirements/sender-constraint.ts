/** Tokens that no thief could use: bound to a key by DPoP (RFC 9449), to a certificate (RFC 8705), or either. */
import type { RequirementsConfig } from '../../config/schema/requirements.ts'
import { readConfirmation } from '../sender-constraint/confirmation.ts'
import type { Refuse, Requirement } from './requirement.ts'

const bindings = {
  dpop: { members: ['jkt'], what: 'to a key by DPoP' },
  mtls: { members: ['x5t#S256'], what: 'to a client certificate' },
  any: { members: ['jkt', 'x5t#S256'], what: 'to a key by DPoP, or to a client certificate' },
} as const

/** That whoever presents the token holds its key, is proven before. */
export function requireSenderConstraint(
  { sender_constraint: wanted }: RequirementsConfig,
  refuse: Refuse,
): Requirement[] {
  if (wanted === 'none') return []
  const { members, what } = bindings[wanted]
  return [
    {
      name: 'sender_constraint',
      ofToken: true,
      isMet({ claims }) {
        const confirmation = readConfirmation(claims)
        return confirmation !== undefined && members.some((member) => confirmation[member] !== undefined)
      },
      refusal: refuse('invalid_token', `the token must be bound ${what}`),
    },
  ]
}
