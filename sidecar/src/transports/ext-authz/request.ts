/** From what Envoy asks to the decision contract. */
import type { DecisionRequest } from '@postern/protocol/decision'
import type { CheckRequest, HttpRequest } from './messages.ts'

type Source = NonNullable<CheckRequest['attributes']>['source']

/**
 * The request as the decision core knows it: its headers as received where Envoy is told to `encode_raw_headers`. Otherwise
 * repeated ones are joined, and two Authorization headers are one that is malformed.
 */
export function toDecisionRequest(http: HttpRequest, source: Source): DecisionRequest {
  const headers: string[] = []
  let hasHost = false
  const add = (name: string, value: string) => {
    // Pseudo-headers (RFC 9113 section 8.3) stand among the others.
    if (name.startsWith(':')) return
    if (name === 'host') hasHost = true
    headers.push(name, value)
  }
  if (http.header_map) {
    for (const { key, value, raw_value } of http.header_map.headers) add(key, value || raw_value.toString('latin1'))
  } else for (const [name, value] of Object.entries(http.headers)) add(name, value)
  if (!hasHost && http.host !== '') headers.push('host', http.host)
  const { method, path: uri, scheme, host: authority } = http
  // Of the connection to Envoy, where it is told to `include_peer_certificate`; empty where there is none.
  return { method, uri, headers, scheme, authority, client_certificate: source?.certificate ?? '' }
}
