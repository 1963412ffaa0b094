/** From failures to decisions, with the challenges of RFC 6750 section 3. */
import { bearerChallenge } from '@postern/protocol/bearer'
import type { Deny, Unavailable } from '@postern/protocol/decision'
import { formatScope } from '@postern/protocol/scope'
import type { Refusal } from '../failures.ts'

const retryAfterSeconds = '1'

export interface Refusals {
  /** No token at all: a challenge without an error code (section 3.1). */
  readonly missing: Deny
  readonly malformed: Deny
  readonly revoked: Deny
  readonly expired: Deny
  of(refusal: Refusal): Deny
}

/** @param realm the policy's name */
export function createRefusals(realm: string, requiredScopes: readonly string[]): Refusals {
  const scope = requiredScopes.length > 0 ? formatScope(requiredScopes) : undefined
  const deny = (error: 'invalid_request' | 'invalid_token' | 'insufficient_scope', description: string): Deny => ({
    decision: 'deny',
    // 401 for a malformed request too, not the 400 of section 3.1: several gateways take any other status for a
    // failure of the sidecar.
    status: error === 'insufficient_scope' ? 403 : 401,
    headers: {
      'www-authenticate': bearerChallenge({
        realm,
        error,
        description,
        ...(error === 'insufficient_scope' && scope !== undefined && { scope }),
      }),
    },
    body: { error, error_description: description },
  })
  return {
    missing: {
      decision: 'deny',
      status: 401,
      headers: { 'www-authenticate': bearerChallenge({ realm }) },
      body: { error: 'invalid_token', error_description: 'an access token is required' },
    },
    malformed: deny('invalid_request', 'the Authorization header is malformed or repeated'),
    revoked: deny('invalid_token', 'the token has been revoked'),
    expired: deny('invalid_token', 'the token has expired'),
    of: ({ code, message }) => deny(code === 'insufficient_scope' ? code : 'invalid_token', message),
  }
}

/** Nothing is known about the token: the answer says only that asking again may help. */
export const unavailable: Unavailable = {
  decision: 'unavailable',
  status: 503,
  headers: { 'retry-after': retryAfterSeconds },
  body: { error: 'temporarily_unavailable', error_description: 'the request cannot be authorized at the moment' },
}

/** The gateway asked about a policy that there is not. */
export const unknownPolicy: Deny = {
  decision: 'deny',
  status: 403,
  headers: {},
  body: { error: 'unknown_policy', error_description: 'the sidecar has no such policy' },
}
