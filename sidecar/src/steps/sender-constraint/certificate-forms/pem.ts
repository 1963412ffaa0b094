/** NGINX's `$ssl_client_escaped_cert`, and what plugins send: PEM (RFC 7468), URL-encoded or as it is. */
import { thumbprintOfDer } from './der.ts'
import type { ThumbprintOf } from './form.ts'
import { decodePercent } from './percent.ts'

/** One certificate and nothing beside it. */
const oneCertificate = /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\s*$/

export const thumbprintOfPem: ThumbprintOf = (text) => {
  const [, lines] = oneCertificate.exec(decodePercent(text) ?? '') ?? []
  return lines === undefined ? undefined : thumbprintOfDer(lines.replace(/[\r\n]+/g, ''))
}
