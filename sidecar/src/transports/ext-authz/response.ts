/** From decisions to what Envoy does. */
import type { Allow, Decision, Deny, Unavailable } from '@postern/protocol/decision'
import type { CheckResponse, HeaderValueOption, Struct } from './messages.ts'
import { headersToRemove } from './removal.ts'

/** `google.rpc.Code` */
const code = { ok: 0, permissionDenied: 7, unavailable: 14, unauthenticated: 16 }

/**
 * @param policy for the metadata
 * @param received names and values of the request's headers
 */
export function toCheckResponse(decision: Decision, policy: string, received: readonly string[]): CheckResponse {
  if (decision.decision !== 'allow') return refusal(decision)
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
    dynamic_metadata: { fields: { policy: { stringValue: policy }, expires_at: { numberValue: allow.expires_at } } },
  }
  known.set(allow, made)
  return made
}

/** For what is no request over HTTP, or beyond what is read. */
export const malformed: CheckResponse = refusal({
  decision: 'deny',
  status: 400,
  headers: {},
  body: { error: 'invalid_request', error_description: 'the request cannot be decided about' },
})

function refusal({ decision, status, headers, body }: Deny | Unavailable): CheckResponse {
  const reason = status === 401 ? code.unauthenticated : code.permissionDenied
  return {
    status: { code: decision === 'unavailable' ? code.unavailable : reason },
    denied_response: {
      status: { code: status },
      headers: options({ ...headers, 'content-type': 'application/json', 'cache-control': 'no-store' }),
      body: JSON.stringify(body),
    },
  }
}

/** In the place of whatever there is of that name. */
function options(headers: Readonly<Record<string, string>>): HeaderValueOption[] {
  return Object.entries(headers).map(([key, value]) => ({ header: { key, value }, append: { value: false } }))
}
