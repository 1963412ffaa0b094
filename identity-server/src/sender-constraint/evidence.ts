/** What a request shows of its sender, taken from headers and connection. */
import type { IncomingMessage } from 'node:http'
import type { ClientCertificate } from './certificate.ts'
import type { ProvenRequest } from './dpop.ts'

export interface SenderEvidence extends ProvenRequest {
  certificate: ClientCertificate | undefined
}

export function evidenceOf(request: IncomingMessage, certificate: ClientCertificate | undefined): SenderEvidence {
  const { method = '', url = '', headers } = request
  const [path = ''] = url.split('?')
  // Node.js joins headers of the same name into one; whether there were several is only told apart in the distinct ones.
  const proofs = headers.dpop === undefined ? [] : (request.headersDistinct.dpop ?? [])
  return { method, path, proofs, certificate }
}
