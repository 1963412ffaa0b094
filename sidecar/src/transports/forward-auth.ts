/**
 * `ANY /v1/forward-auth/{policy}`: for gateways that forward the client's headers and take status and headers of the
 * answer as the decision. 200 with `x-postern-decision: allow` allows; the mark tells the sidecar's answer from the
 * welcome page of whatever else may listen on its port. 401, 403 and 503 refuse. Headers to set stand in the answer;
 * names to remove, in every spelling, in `x-postern-remove-headers`.
 */
import type { Allow, Decision, DecisionRequest } from '@postern/protocol/decision'
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Transport } from './transport.ts'

export const forwardAuth: Transport = (app, decider) => {
  // Decided before Fastify looks at a body: whatever a gateway sends along, of whatever type, is none of our business.
  const decide: onRequestHookHandler = (request, reply) => {
    const decision = decider.decide(policyOf(request), toDecisionRequest(request))
    if (decision instanceof Promise) decision.then((late) => answer(reply, late))
    else answer(reply, decision)
  }
  app.all('/v1/forward-auth/:policy', { onRequest: decide }, neverReached)
}

function neverReached(): never {
  throw new Error('forward-auth went past its decision')
}

function policyOf({ params }: FastifyRequest): string {
  return typeof params === 'object' && params !== null && 'policy' in params ? String(params.policy) : ''
}

function toDecisionRequest(request: FastifyRequest): DecisionRequest {
  const asked: DecisionRequest = {
    method: forwarded(request, 'x-forwarded-method') ?? request.method,
    uri: forwarded(request, 'x-forwarded-uri') ?? '/',
    headers: request.raw.rawHeaders,
  }
  const scheme = forwarded(request, 'x-forwarded-proto')
  const authority = forwarded(request, 'x-forwarded-host')
  if (scheme !== undefined) asked.scheme = scheme
  if (authority !== undefined) asked.authority = authority
  return asked
}

/** The original request, as the gateway tells it: it must set these headers itself, whatever the client sent. */
function forwarded(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function answer(reply: FastifyReply, decision: Decision): void {
  if (decision.decision === 'allow') {
    // Past Fastify: its handling of each header of an answer costs a tenth of a cached decision's time.
    reply.hijack()
    reply.raw.writeHead(200, allowHeaders(decision)).end()
    return
  }
  reply
    .code(decision.status)
    .headers(decision.headers)
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(JSON.stringify(decision.body))
}

const rendered = new WeakMap<Allow, string[]>()

/** Name, value, name, value …: made once for each decision, as long as it is kept. */
function allowHeaders(allow: Allow): string[] {
  const known = rendered.get(allow)
  if (known) return known
  const headers = [
    'x-postern-decision',
    'allow',
    ...Object.entries(allow.set_headers).flat(),
    'x-postern-remove-headers',
    allow.remove_headers.join(', '),
    'content-length',
    '0',
  ]
  rendered.set(allow, headers)
  return headers
}
