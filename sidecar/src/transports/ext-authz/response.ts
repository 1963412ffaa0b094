/** From decisions to what Envoy does. */
import type { Allow, Decision, Deny, Unavailable } from '@postern/protocol/decision'
import type { CheckResponse, HeaderValueOption } from './messages.ts'
import { headersToRemove } from './removal.ts'
import { type Struct, toStruct } from './struct.ts'

/** `google.rpc.Code` */
const code = { ok: 0, permissionDenied: 7, unavailable: 14, unauthenticated: 16 }

/**
 * @param policy for the metadata
 * @param received names and values of the request's headers
 */
export function toCheckResponse(decision: Decision, policy: string, received: readonly string[]): CheckResponse {
  if (decision.decision !== 'allow') return refusal(decision, policy)
  const { headers, dynamic_metadata } = prepared(decision, policy)
  const headers_to_remove = headersToRemove(decision, received)
  return { status: { code: code.ok }, ok_response: { headers, headers_to_remove }, dynamic_metadata }
}

interface Prepared {
  headers: HeaderValueOption[]
  dynamic_metadata: Struct
}

const known = new WeakMap<Allow, Prepared>()

/** What is the same for every request that the decision is used for. */
function prepared(allow: Allow, policy: string): Prepared {
  const before = known.get(allow)
  if (before) return before
  const made: Prepared = {
    headers: options(allow.set_headers),
    dynamic_metadata: toStruct({ policy, expires_at: allow.expires_at, claims: allow.claims && listed(allow.claims) }),
  }
  known.set(allow, made)
  return made
}

/** Scopes as a list, since a filter cannot tell one from part of another in a text; as jwt_authn's normalized payload. */
function listed(claims: NonNullable<Allow['claims']>): NonNullable<Allow['claims']> {
  const { scope } = claims
  return typeof scope === 'string' ? { ...claims, scope: scope.split(' ').filter(Boolean) } : claims
}

/** For what is no request over HTTP, or beyond what is read. */
export const malformed: CheckResponse = refusal({
  decision: 'deny',
  status: 400,
  headers: {},
  body: { error: 'invalid_request', error_description: 'the request cannot be decided about' },
})

function refusal({ decision, status, headers, body }: Deny | Unavailable, policy?: string): CheckResponse {
  const reason = status === 401 ? code.unauthenticated : code.permissionDenied
  return {
    status: { code: decision === 'unavailable' ? code.unavailable : reason },
    denied_response: {
      status: { code: status },
      headers: options({ ...headers, 'content-type': 'application/json', 'cache-control': 'no-store' }),
      body: JSON.stringify(body),
    },
    dynamic_metadata: toStruct({ policy, error: body.error }),
  }
}

/** In the place of whatever there is of that name. */
function options(headers: Readonly<Record<string, string>>): HeaderValueOption[] {
  return Object.entries(headers).map(([key, value]) => ({ header: { key, value }, append: { value: false } }))
}
