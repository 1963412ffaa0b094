/**
 * Traefik's `X-Forwarded-Tls-Client-Cert` (PassTLSClientCert, `pem: true`): base64 of the DER, in some versions URL-encoded.
 * The rest of a chain follows behind commas; the client's own certificate is the first.
 */
import { thumbprintOfDer } from './der.ts'
import type { ThumbprintOf } from './form.ts'
import { decodePercent } from './percent.ts'

export const thumbprintOfTraefik: ThumbprintOf = (value) => {
  const [own = ''] = (decodePercent(value) ?? '').split(',')
  return thumbprintOfDer(own)
}
