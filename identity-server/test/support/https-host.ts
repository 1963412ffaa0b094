/** A host on the network, as tenants name them: https with a certificate of a test authority, on this machine. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type CertificateAuthority, createCertificateAuthority } from '@postern/tools/certificates'

export interface HttpsHost {
  /** `https://tenant.example:port` */
  readonly origin: string
  readonly port: number
  /** What to trust, PEM. */
  readonly ca: string
  /** Connections so far. */
  connections(): number
  close(): Promise<void>
}

/** The name in its certificate; its address is 127.0.0.1. */
export const hostName = 'tenant.example'

/** @param listener may be changed while the host runs, by what it closes over */
export async function startHttpsHost(listener: RequestListener): Promise<HttpsHost> {
  const authority: CertificateAuthority = await createCertificateAuthority()
  const subjectAltName = `DNS:${hostName},DNS:*.${hostName},DNS:localhost,IP:127.0.0.1`
  const identity = await authority.issue({ subject: `/CN=${hostName}`, subjectAltName })
  await authority.remove()
  const server = createHttpsServer(identity, listener)
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  const port = await listen(server)
  return {
    origin: `https://${hostName}:${port}`,
    port,
    ca: authority.cert,
    connections: () => connections,
    close: () => close(server),
  }
}

/** As `startHttpsHost`, without TLS. */
export async function startHttpHost(listener: RequestListener): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer(listener)
  return { origin: `http://127.0.0.1:${await listen(server)}`, close: () => close(server) }
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function close(server: ReturnType<typeof createServer>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  return closed
}
