/**
 * Where client certificates come from: from the TLS connection, or, where a proxy ends TLS before us, from its Client-Cert
 * header (RFC 9440). Anyone can write that header, so it counts from the proxies that the operator names, and from nobody else.
 */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { BlockList } from 'node:net'
import { TLSSocket } from 'node:tls'
import { OAuthError } from '@postern/protocol/oauth-error'
import { isInNetworks } from '../networks.ts'
import { type ClientCertificate, type ReadCertificate, toClientCertificate } from '../sender-constraint/certificate.ts'

export interface TrustedProxies {
  networks: BlockList
  /** Whether they pass on only certificates whose chain they have verified. */
  verify: boolean
}

export function createReadCertificate(proxies: TrustedProxies | undefined): ReadCertificate {
  const connections = new WeakMap<TLSSocket, ClientCertificate | null>()

  const fromConnection = (socket: TLSSocket): ClientCertificate | undefined => {
    const known = connections.get(socket)
    if (known !== undefined) return known ?? undefined
    const x509 = socket.getPeerX509Certificate()
    const certificate = x509 ? toClientCertificate(x509, socket.authorized) : null
    connections.set(socket, certificate)
    return certificate ?? undefined
  }

  return (request) => {
    const { socket } = request
    if (proxies && request.headers['client-cert'] !== undefined) {
      if (isInNetworks(proxies.networks, socket.remoteAddress)) return fromHeader(request, proxies.verify)
      throw new OAuthError('invalid_request', 'the Client-Cert header is for trusted proxies')
    }
    // A proxy's own certificate is not its clients'.
    if (proxies && isInNetworks(proxies.networks, socket.remoteAddress)) return undefined
    return socket instanceof TLSSocket ? fromConnection(socket) : undefined
  }
}

/** A byte sequence of structured fields (RFC 8941 section 3.3.5), in its one spelling and without parameters. */
const byteSequence = /^:([A-Za-z0-9+/]+={0,2}):$/

function fromHeader({ headersDistinct }: IncomingMessage, trusted: boolean): ClientCertificate {
  const [value = '', another] = headersDistinct['client-cert'] ?? []
  const encoded = byteSequence.exec(value)?.[1] ?? ''
  const der = Buffer.from(encoded, 'base64')
  if (another !== undefined || encoded === '' || der.toString('base64') !== encoded) throw malformed()
  return toClientCertificate(parseCertificate(der), trusted)
}

function parseCertificate(der: Buffer): X509Certificate {
  let x509: X509Certificate
  try {
    x509 = new X509Certificate(der)
  } catch (cause) {
    throw malformed(cause)
  }
  // It would also have taken PEM, and passed over what follows the certificate.
  if (!x509.raw.equals(der)) throw malformed()
  return x509
}

function malformed(cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', 'the Client-Cert header is malformed or repeated', { cause })
}
