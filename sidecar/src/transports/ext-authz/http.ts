/**
 * `ANY /v1/ext-authz/{policy}/{path of the request}`: Envoy's external authorization over HTTP, with `path_prefix`
 * `/v1/ext-authz/{policy}`. Envoy asks with the method, the target and the headers of the request. The answer is that of
 * forward-auth, but names to remove stand in the header that Envoy reads them from.
 */
import type { IncomingMessage } from 'node:http'
import type { Allow, DecisionRequest } from '@postern/protocol/decision'
import { answerDecision } from '../answer.ts'
import type { DirectTransport } from '../transport.ts'
import { headersToRemove } from './removal.ts'

const prefix = '/v1/ext-authz/'

export const extAuthzHttp: DirectTransport = (request, response, decider) => {
  const { url = '' } = request
  if (!url.startsWith(prefix)) return false
  const policyEnd = url.indexOf('/', prefix.length)
  const policy = url.slice(prefix.length, policyEnd < 0 ? undefined : policyEnd)
  const asked = toDecisionRequest(request, policyEnd < 0 ? '' : url.slice(policyEnd))
  const decision = decider.decide(policy, asked)
  const headersOf = (allow: Allow) => allowHeaders(allow, asked.headers)
  if (decision instanceof Promise) return decision.then((late) => answerDecision(response, late, headersOf))
  answerDecision(response, decision, headersOf)
  return true
}

/** Envoy sets `x-forwarded-proto` itself unless it trusts the proxies before it. */
function toDecisionRequest({ method = '', headers, rawHeaders }: IncomingMessage, uri: string): DecisionRequest {
  const { host: authority, 'x-forwarded-proto': scheme } = headers
  return {
    method,
    uri,
    headers: rawHeaders,
    ...(authority !== undefined && { authority }),
    ...(typeof scheme === 'string' && { scheme }),
  }
}

function allowHeaders(allow: Allow, received: readonly string[]): string[] {
  return [
    'x-postern-decision',
    'allow',
    ...Object.entries(allow.set_headers).flat(),
    'x-envoy-auth-headers-to-remove',
    headersToRemove(allow, received).join(', '),
    'content-length',
    '0',
  ]
}
