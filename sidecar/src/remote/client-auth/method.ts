/**
 * Client authentication (RFC 6749 section 2.3) from the client's side: each method says what a request needs in addition.
 * They are built with their secrets, which may change, so what is added is made anew for every request.
 */

export interface ClientCredentials {
  headers: Readonly<Record<string, string>>
  /** Of the form. */
  parameters: Readonly<Record<string, string>>
}

export interface ClientAuthMethod {
  credentials(): ClientCredentials | Promise<ClientCredentials>
  /** Reads its secrets now. @returns whether they are others than before */
  reread(): boolean
}
