/**
 * Methods whose request holds the client's name alone: `none` proves nothing (RFC 7591 section 2); those of RFC 8705
 * sections 2.1 and 2.2 prove it by the certificate of the connection, which the HTTP client has.
 */
import type { ClientAuthMethod } from './method.ts'

export function clientIdAlone(clientId: string): ClientAuthMethod {
  return {
    credentials: () => ({ headers: {}, parameters: { client_id: clientId } }),
    secret: undefined,
  }
}
