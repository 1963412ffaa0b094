/** Base64 of the DER alone: HAProxy's `%[ssl_c_der,base64]`, Caddy's `{http.request.tls.client.certificate_der_base64}`. */
import { createHash, X509Certificate } from 'node:crypto'
import type { ThumbprintOf } from './form.ts'

export const thumbprintOfDer: ThumbprintOf = (base64) => {
  const der = Buffer.from(base64, 'base64')
  // One spelling for each certificate.
  if (der.toString('base64') !== base64) return undefined
  try {
    // It would also have taken PEM, and passed over what follows the certificate.
    if (!new X509Certificate(der).raw.equals(der)) return undefined
  } catch {
    return undefined
  }
  return createHash('sha256').update(der).digest('base64url')
}
