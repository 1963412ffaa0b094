/** From failures to decisions, with the challenges of RFC 6750 section 3, RFC 9449 section 7.1 and RFC 9470 section 3. */
import { type BearerChallenge, bearerChallenge } from '@postern/protocol/bearer'
import type { Deny, Unavailable } from '@postern/protocol/decision'
import { dpopChallenge } from '@postern/protocol/dpop'
import type { Refusal } from '../failures.ts'
import type { Refuse } from '../steps/requirements/requirement.ts'

const retryAfterSeconds = '1'

export interface Refusals {
  /** No token at all: a challenge without an error code (section 3.1). */
  readonly missing: Deny
  /** More than one token (RFC 6750 section 2). */
  readonly repeated: Deny
  readonly revoked: Deny
  readonly expired: Deny
  of(refusal: Refusal): Deny
  /** Of a step that looks at what is different for each request. */
  ofProof(refusal: Refusal): Deny
  /** For requirements that a genuine token does not meet. */
  readonly refuse: Refuse
}

export interface RefusalsOptions {
  /** The policy's name. */
  realm: string
  /** Where the metadata of the resource is (RFC 9728 section 5.1). */
  resourceMetadata: string | undefined
  /** Ways to present a token, all of which are offered. */
  schemes: readonly AuthenticationScheme[]
  /** What the next DPoP proof must hold; undefined where it needs none. */
  dpopNonce: (() => string) | undefined
}

export type AuthenticationScheme = 'Bearer' | 'DPoP'
const challenges = { Bearer: bearerChallenge, DPoP: dpopChallenge }

/** What a better token, or a better proof of who the user is, could change has a challenge. */
const statuses = {
  // 401 for a malformed request too, not the 400 of section 3.1: several gateways take any other status for a failure of
  // the sidecar.
  invalid_request: 401,
  invalid_token: 401,
  // 401 as well (RFC 9449 section 7.1): their 400 is that of the token endpoint.
  invalid_dpop_proof: 401,
  use_dpop_nonce: 401,
  insufficient_user_authentication: 401,
  insufficient_scope: 403,
} as const

export function createRefusals({ realm, resourceMetadata, schemes, dpopNonce }: RefusalsOptions): Refusals {
  /** Each scheme says what is wrong, but for Bearer where the proof is. */
  const challenge = ({ error, ...parameters }: Partial<BearerChallenge>) => ({
    'www-authenticate': schemes
      .map((scheme) =>
        scheme === 'Bearer' && isOfProof(error)
          ? bearerChallenge({ realm, resource_metadata: resourceMetadata })
          : challenges[scheme]({ realm, ...(error && { error }), ...parameters, resource_metadata: resourceMetadata }),
      )
      .join(', '),
  })
  const deny = (
    error: keyof typeof statuses,
    description: string,
    parameters: Readonly<Record<string, string>> = {},
  ): Deny => ({
    decision: 'deny',
    status: statuses[error],
    headers: challenge({ error, description, ...parameters }),
    body: { error, error_description: description },
  })
  return {
    missing: {
      decision: 'deny',
      status: 401,
      headers: challenge({}),
      body: { error: 'invalid_token', error_description: 'an access token is required' },
    },
    repeated: deny('invalid_request', 'there is more than one access token'),
    revoked: deny('invalid_token', 'the token has been revoked'),
    expired: deny('invalid_token', 'the token has expired'),
    of: ({ code, message }) => deny(isOfToken(code) ? code : 'invalid_token', message),
    ofProof({ code, message }) {
      const refused = deny(isOfProof(code) ? code : 'invalid_token', message)
      return dpopNonce ? { ...refused, headers: { ...refused.headers, 'dpop-nonce': dpopNonce() } } : refused
    },
    refuse: (error, description, parameters) =>
      error === 'access_denied' ? forbidden(error, description) : deny(error, description, parameters),
  }
}

function isOfToken(error: string): error is 'invalid_request' | 'insufficient_scope' {
  return error === 'invalid_request' || error === 'insufficient_scope'
}

function isOfProof(error: string | undefined): error is 'invalid_dpop_proof' | 'use_dpop_nonce' {
  return error === 'invalid_dpop_proof' || error === 'use_dpop_nonce'
}

/** Nothing is known about the token: the answer says only that asking again may help. */
export const unavailable: Unavailable = {
  decision: 'unavailable',
  status: 503,
  headers: { 'retry-after': retryAfterSeconds },
  body: { error: 'temporarily_unavailable', error_description: 'the request cannot be authorized at the moment' },
}

/** The gateway asked about a policy that there is not. */
export const unknownPolicy = forbidden('unknown_policy', 'the sidecar has no such policy')
/** A rule, or the policy itself, lets nobody through. */
export const closed = forbidden('access_denied', 'this is not offered')
/** Rules cannot tell which of them was meant, so the strictest of all holds. */
export const ambiguous = forbidden('ambiguous_request', 'the path or the method has more than one reading')

/** No token would help, so there is no challenge. */
function forbidden(error: string, description: string): Deny {
  return { decision: 'deny', status: 403, headers: {}, body: { error, error_description: description } }
}
