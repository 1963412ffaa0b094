/**
 * Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check`. The policy is what the route's
 * `context_extensions` name, or else the filter's `initial_metadata`; both are Envoy's configuration, and no client's.
 */
import {
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { type Decision, DecisionRequest } from '@postern/protocol/decision'
import { Compile } from 'typebox/compile'
import type { Decider } from '../../decider/decider.ts'
import { unavailable } from '../../decider/refusals.ts'
import { type CheckRequest, type CheckResponse, messages } from './messages.ts'
import { toDecisionRequest } from './request.ts'
import { malformed, toCheckResponse } from './response.ts'

export const policyMetadata = 'x-postern-policy'

/** Of the time that is left: of an answer that is late, Envoy would make one of its own, without Retry-After. */
const waitFor = 0.9

const isDecisionRequest = Compile(DecisionRequest)

export const authorizationService: ServiceDefinition = {
  Check: {
    path: '/envoy.service.auth.v3.Authorization/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: messages.request.serialize,
    requestDeserialize: messages.request.deserialize,
    responseSerialize: messages.response.serialize,
    responseDeserialize: messages.response.deserialize,
  },
}

type Call = ServerUnaryCall<CheckRequest, CheckResponse>

export function createAuthorization(decider: Decider): UntypedServiceImplementation {
  return {
    Check(call: Call, answer: sendUnaryData<CheckResponse>) {
      const { attributes } = call.request
      const http = attributes?.request?.http
      const request = http && toDecisionRequest(http, attributes.source)
      if (!isDecisionRequest.Check(request)) return answer(null, malformed)
      const policy = attributes?.context_extensions.policy ?? String(call.metadata.get(policyMetadata)[0] ?? '')
      const decision = decider.decide(policy, request)
      const respond = (made: Decision) => answer(null, toCheckResponse(made, policy, request.headers))
      // A defect is an error to Envoy, which then lets nothing pass. Nobody else would catch it, and it would end the process.
      const fail = () => answer({ code: status.INTERNAL, details: 'failed' })
      if (decision instanceof Promise) inTime(decision, call.getDeadline()).then(respond).catch(fail)
      else respond(decision)
    },
  }
}

/** The decision, or that it could not be made before the deadline. */
function inTime(decision: Promise<Decision>, deadline: Date | number): Promise<Decision> {
  const ms = (Number(deadline) - Date.now()) * waitFor
  if (!Number.isFinite(ms)) return decision
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(0, ms), unavailable)
    decision.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
