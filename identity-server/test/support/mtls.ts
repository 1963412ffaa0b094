/** A server that asks for client certificates, and clients that show them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificate, type CertificateAuthority, createCertificateAuthority } from '@postern/tools/certificates'
import { freePort, temporaryFolder } from '@postern/tools/servers/process'
import { Agent, fetch, type RequestInit } from 'undici'
import { type Answer, type Form, toAnswer } from './http.ts'

export interface MtlsBench {
  /** The authority whose client certificates the server accepts. */
  clients: CertificateAuthority
  /** Where the server asks for certificates. */
  origin: string
  /** Of its own certificate. */
  ca: string
  environment: Record<string, string>
  /** Replaces the certificate of the server, on disk. */
  renew(): Promise<void>
  remove(): Promise<void>
}

export async function createMtlsBench(): Promise<MtlsBench> {
  const folder = await temporaryFolder('mtls')
  const file = (name: string) => join(folder.path, name)
  const clients = await createCertificateAuthority('Clients')
  const servers = await createCertificateAuthority('Servers')
  const renew = async () => {
    const { cert, key } = await servers.issue({ subject: '/CN=as', subjectAltName: 'IP:127.0.0.1,DNS:localhost' })
    await writeFile(file('server.key'), key)
    await writeFile(file('server.crt'), cert)
  }
  await renew()
  await writeFile(file('clients.crt'), clients.cert)
  const port = String(await freePort())
  const origin = `https://127.0.0.1:${port}`
  return {
    clients,
    origin,
    ca: servers.cert,
    environment: {
      POSTERN_MTLS_PORT: port,
      POSTERN_MTLS_PUBLIC_ORIGIN: origin,
      POSTERN_TLS_CERT_FILE: file('server.crt'),
      POSTERN_TLS_KEY_FILE: file('server.key'),
      POSTERN_MTLS_CLIENT_CA_FILE: file('clients.crt'),
    },
    renew,
    async remove() {
      await clients.remove()
      await servers.remove()
      await folder.remove()
    },
  }
}

export interface MtlsClient {
  /** As `fetch`, with the certificate. */
  fetch(url: string | URL, init?: RequestInit): ReturnType<typeof fetch>
  post(url: string, form: Form, headers?: Record<string, string>): Promise<Answer>
  close(): Promise<void>
}

/** @param identity what it shows; undefined: no certificate */
export function createMtlsClient(ca: string, identity?: Certificate): MtlsClient {
  const dispatcher = new Agent({ connect: { ca, ...identity } })
  const send = (url: string | URL, init: RequestInit = {}) => fetch(url, { ...init, dispatcher })
  return {
    fetch: send,
    async post(url, form, headers = {}) {
      return toAnswer(
        await send(url, {
          method: 'POST',
          body: new URLSearchParams(form).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        }),
      )
    },
    close: () => dispatcher.destroy(),
  }
}
