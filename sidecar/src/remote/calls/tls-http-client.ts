/** Requests over connections with a client certificate, or to servers that a private authority vouches for. */
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Secret } from '../../config/changing-secret.ts'
import { createHttpClient, type HttpClient } from './http-client.ts'

/** PEM, all of them. */
export interface TlsMaterial {
  cert?: string
  key?: string
  ca?: string
}

/** @throws Error, without any part of it, where the certificate is none, or the key another's */
export function checkTlsMaterial(material: TlsMaterial): TlsMaterial {
  try {
    createSecureContext(material)
    // An authority that is none would be passed over in silence, and nobody trusted.
    if (material.ca !== undefined) new X509Certificate(material.ca)
    return material
  } catch {
    throw new Error('the certificate, its key or the authority is no PEM, or they do not belong together')
  }
}

/** When the material changes, new requests take new connections; those under way end on the old ones. */
export function createTlsHttpClient(material: Secret<TlsMaterial>): HttpClient {
  let used = material.current()
  let client = createHttpClient(used)
  const retired = new Set<HttpClient>()

  const current = () => {
    const found = material.current()
    if (found === used) return client
    const old = client
    retired.add(old)
    void old.drain().then(() => retired.delete(old))
    used = found
    client = createHttpClient(used)
    return client
  }

  return {
    send: (request) => current().send(request),
    async close() {
      await Promise.all([client, ...retired].map((each) => each.close()))
    },
  }
}
