/**
 * A line about single requests: every refusal up to so many a second, and a share of those that are let through. It says
 * what was asked and what came of it; no token, no query, and of the identity what the operator chose.
 */
import type { Decision, DecisionRequest } from '@postern/protocol/decision'
import type { AccessLogConfig } from '../config/schema/log.ts'

export interface AccessLine {
  policy: string
  method: string
  path: string
  decision: Decision['decision']
  status?: number
  error?: string
  /** Refusals before it that have no line. */
  left_out?: number
  identity?: Record<string, string>
}

export type LogAccess = (policy: string, request: DecisionRequest, decision: Decision) => void

const maxPathLength = 512

/** @param now ms since the epoch */
export function createAccessLog(
  config: AccessLogConfig,
  write: (line: AccessLine) => void,
  now: () => number,
): LogAccess {
  const { allow_share: share, refusals_per_second: perSecond } = config
  const identityHeaders = config.identity_headers.map((name) => name.toLowerCase())
  let due = 0
  let second = 0
  let written = 0
  let leftOut = 0

  const mayWriteRefusal = () => {
    const current = Math.floor(now() / 1_000)
    if (current !== second) [second, written] = [current, 0]
    if (written >= perSecond) return false
    written += 1
    return true
  }

  return (policy, request, decision) => {
    if (decision.decision === 'allow') {
      due += share
      if (due < 1) return
      due -= 1
      const { set_headers: set } = decision
      const identity = identityHeaders.flatMap((name) => (set[name] === undefined ? [] : [[name, set[name]] as const]))
      write({
        ...asked(policy, request),
        decision: 'allow',
        ...(identity.length > 0 && { identity: Object.fromEntries(identity) }),
      })
      return
    }
    if (!mayWriteRefusal()) {
      leftOut += 1
      return
    }
    const { status, body } = decision
    write({
      ...asked(policy, request),
      decision: decision.decision,
      status,
      error: body.error,
      ...(leftOut > 0 && { left_out: leftOut }),
    })
    leftOut = 0
  }
}

function asked(policy: string, { method, uri }: DecisionRequest): Pick<AccessLine, 'policy' | 'method' | 'path'> {
  const path = uri.split(/[?#]/, 1)[0] ?? ''
  return { policy, method, path: path.slice(0, maxPathLength) }
}
