/** A client's certificate, as the TLS connection or a trusted proxy showed it (RFC 8705 section 2). */
import type { X509Certificate } from 'node:crypto'

export interface ClientCertificate {
  x509: X509Certificate
  /** SHA-256 of its DER encoding, base64url: the `x5t#S256` of tokens that are bound to it (section 3.1). */
  thumbprint: string
  /** Whether its chain led to an accepted authority. */
  trusted: boolean
}
