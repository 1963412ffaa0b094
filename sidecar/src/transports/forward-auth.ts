/**
 * `ANY /v1/forward-auth/{policy}`: for gateways that forward the client's headers and take status and headers of the
 * answer as the decision. 200 with `x-postern-decision: allow` allows; the mark tells the sidecar's answer from the
 * welcome page of whatever else may listen on its port. 401, 403 and 503 refuse. Headers to set stand in the answer;
 * names to remove, in every spelling, in `x-postern-remove-headers`.
 */
import type { ServerResponse } from 'node:http'
import type { Allow, Decision, DecisionRequest } from '@postern/protocol/decision'
import { answerDecision } from './answer.ts'
import { createHeaderSections } from './header-sections.ts'
import type { DirectTransport } from './transport.ts'

const prefix = '/v1/forward-auth/'

/** Without Fastify, which costs as much as a cached decision (docs/decisions/0051). Bodies are none of our business. */
export const forwardAuth: DirectTransport = (request, response, decider) => {
  const policy = policyOf(request.url ?? '')
  if (policy === undefined) return false
  const decision = decider.decide(policy, toDecisionRequest(request.rawHeaders))
  if (decision instanceof Promise) return decision.then((late) => answer(response, late))
  answer(response, decision)
  return true
}

/** What follows is a name, or none of a policy. @returns undefined where the path is another one */
function policyOf(url: string): string | undefined {
  if (!url.startsWith(prefix)) return undefined
  const mark = url.indexOf('?')
  return mark < 0 ? url.slice(prefix.length) : url.slice(prefix.length, mark)
}

/**
 * The original request, as the gateway tells it: it must set these headers itself, whatever the client sent. Method and
 * target are empty where it does not: a rule or a proof that asks for them then refuses. Read from the raw headers: asked
 * for the others, Node.js sorts them all.
 */
function toDecisionRequest(headers: string[]): DecisionRequest {
  const asked: DecisionRequest = { method: '', uri: '', headers }
  let told = 0
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? ''
    const known = lengths.has(name.length) ? members.get(name.toLowerCase()) : undefined
    if (!known) continue
    // Told twice is not told: somebody before the gateway may have told it, too.
    asked[known.member] = told & known.bit ? '' : (headers[index + 1] ?? '')
    told |= known.bit
  }
  return asked
}

type Told = Pick<DecisionRequest, 'method' | 'uri' | 'scheme' | 'authority'>

const members: ReadonlyMap<string, { member: keyof Told; bit: number }> = new Map([
  ['x-forwarded-method', { member: 'method', bit: 1 }],
  ['x-forwarded-uri', { member: 'uri', bit: 2 }],
  ['x-forwarded-proto', { member: 'scheme', bit: 4 }],
  ['x-forwarded-host', { member: 'authority', bit: 8 }],
])
/** Most headers need not be looked at any closer. */
const lengths = new Set([...members.keys()].map(({ length }) => length))

/** Name, value, name, value … */
function allowHeaders({ set_headers, remove_headers }: Allow): string[] {
  const headers = ['x-postern-decision', 'allow']
  for (const [name, value] of Object.entries(set_headers)) headers.push(name, value)
  headers.push('x-postern-remove-headers', remove_headers.join(', '), 'content-length', '0')
  return headers
}

const sections = createHeaderSections(allowHeaders, Date.now)

function answer(response: ServerResponse, decision: Decision): void {
  if (decision.decision === 'allow' && sections.send(response, decision)) return
  answerDecision(response, decision, allowHeaders)
}
