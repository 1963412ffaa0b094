/** The request as the client sent it, for the sidecar. */
import type { DecisionQuery } from '@postern/protocol/decision'
import type { FastifyRequest } from 'fastify'

/** Not from `request.headers`: that map hides repeated headers and their spelling. */
export function toQuery(policy: string, request: FastifyRequest): DecisionQuery {
  const { method, originalUrl: uri, protocol: scheme, host: authority } = request
  return { policy, request: { method, uri, headers: fields(request), scheme, authority } }
}

function fields({ raw }: FastifyRequest): string[] {
  if (raw.httpVersionMajor === 1) return raw.rawHeaders
  // HTTP/2 lists `:method`, `:path` and their kin among the headers (RFC 9113 section 8.3.1).
  return raw.rawHeaders.filter((_text, index, all) => !all[index - (index % 2)]?.startsWith(':'))
}
