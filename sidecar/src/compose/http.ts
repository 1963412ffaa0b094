/** Connections with a client certificate, or to servers of a private authority, from their configuration. */
import type { Secret } from '../config/changing-secret.ts'
import type { TlsConfig } from '../config/schema/client-auth.ts'
import type { HttpClient } from '../remote/calls/http-client.ts'
import { checkTlsMaterial, createTlsHttpClient, type TlsMaterial } from '../remote/calls/tls-http-client.ts'
import type { Toolkit } from './toolkit.ts'

export interface ComposedHttp {
  http: HttpClient
  /** What the connections are made with; undefined where they are like all others. */
  tls?: Secret<TlsMaterial>
}

/** @param name for the log */
export function composeHttp(
  name: string,
  tls: TlsConfig | undefined,
  { http, changingSecret, onClose }: Toolkit,
): ComposedHttp {
  const { certificate, key, ca } = tls ?? {}
  const present = Object.entries({ cert: certificate, key, ca }).flatMap(([member, source]) =>
    source ? [{ member, source }] : [],
  )
  if (present.length === 0) return { http }
  const sources = present.map(({ source }) => source)
  const material = changingSecret(`${name} tls`, sources, (texts): TlsMaterial => {
    const pairs = present.map(({ member }, index) => [member, texts[index]])
    return checkTlsMaterial(Object.fromEntries(pairs))
  })
  const own = createTlsHttpClient(material)
  onClose(own.close)
  return { http: own, tls: material }
}
