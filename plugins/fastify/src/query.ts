/** The request as the client sent it, for the sidecar. */
import { TLSSocket } from 'node:tls'
import type { DecisionQuery } from '@postern/protocol/decision'
import type { FastifyRequest } from 'fastify'

/** Not from `request.headers`: that map hides repeated headers and their spelling. */
export function toQuery(policy: string, request: FastifyRequest): DecisionQuery {
  const { method, originalUrl: uri, protocol: scheme, host: authority } = request
  const certificate = certificateOf(request)
  const described = { method, uri, headers: fields(request), scheme, authority }
  return { policy, request: certificate === '' ? described : { ...described, client_certificate: certificate } }
}

const certificates = new WeakMap<TLSSocket, string>()

/** What the client has shown where TLS ends here, as PEM; empty where it has shown none. Asked once for each connection. */
function certificateOf({ raw: { socket } }: FastifyRequest): string {
  if (!(socket instanceof TLSSocket)) return ''
  const known = certificates.get(socket)
  if (known !== undefined) return known
  const certificate = socket.getPeerX509Certificate()?.toString() ?? ''
  certificates.set(socket, certificate)
  return certificate
}

function fields({ raw }: FastifyRequest): string[] {
  if (raw.httpVersionMajor === 1) return raw.rawHeaders
  // HTTP/2 lists `:method`, `:path` and their kin among the headers (RFC 9113 section 8.3.1).
  return raw.rawHeaders.filter((_text, index, all) => !all[index - (index % 2)]?.startsWith(':'))
}
