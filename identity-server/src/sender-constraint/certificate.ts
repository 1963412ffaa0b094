/** A client's certificate, as the TLS connection or a trusted proxy showed it (RFC 8705 section 2). */
import { createHash, type X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface ClientCertificate {
  x509: X509Certificate
  /** SHA-256 of its DER encoding, base64url: the `x5t#S256` of tokens that are bound to it (section 3.1). */
  thumbprint: string
  /** Whether its chain led to an accepted authority. */
  trusted: boolean
}

/**
 * The certificate that the client of a request has proven to hold the key of.
 * @returns undefined where there is none
 * @throws OAuthError `invalid_request` where the request names one in a malformed way
 */
export type ReadCertificate = (request: IncomingMessage) => ClientCertificate | undefined

export function toClientCertificate(x509: X509Certificate, trusted: boolean): ClientCertificate {
  return { x509, thumbprint: createHash('sha256').update(x509.raw).digest('base64url'), trusted }
}

/**
 * Whether it is within its validity. Asked at each use: connections, and TLS sessions that are taken up again, may
 * outlive it.
 * @param now ms since the epoch
 */
export function isCurrent({ x509 }: ClientCertificate, now: number): boolean {
  return x509.validFromDate.getTime() <= now && now <= x509.validToDate.getTime()
}
