/**
 * Client authentication (RFC 6749 section 2.3) from the client's side: each method says what a request needs in addition.
 * They are built with their secrets, which may change, so what is added is made anew for every request.
 */
import type { Secret } from '../../config/changing-secret.ts'

export interface ClientCredentials {
  headers: Readonly<Record<string, string>>
  /** Of the form. */
  parameters: Readonly<Record<string, string>>
}

export interface ClientAuthMethod {
  credentials(): ClientCredentials | Promise<ClientCredentials>
  /** What they are made of; undefined where that is the client's name alone. */
  readonly secret: Secret<unknown> | undefined
}
