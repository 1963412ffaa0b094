/** Decisions as answers over HTTP: 200 with the mark of the sidecar, or the refusal that the client is to get. */
import type { ServerResponse } from 'node:http'
import type { Allow, Decision } from '@postern/protocol/decision'

/** @param allowHeaders name, value, name, value … of the answer that lets a request through */
export function answerDecision(
  response: ServerResponse,
  decision: Decision,
  allowHeaders: (allow: Allow) => string[],
): void {
  if (decision.decision === 'allow') {
    response.writeHead(200, allowHeaders(decision)).end()
    return
  }
  const body = JSON.stringify(decision.body)
  response
    .writeHead(decision.status, {
      ...decision.headers,
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    .end(body)
}
