/** What each client authentication method provides; `list.ts` names them all. */
import type { Client } from '../clients/clients.ts'
import type { Form } from '../form.ts'
import type { ClientCertificate } from '../sender-constraint/certificate.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'

/** The parts of a request that a client can authenticate with. */
export interface Credentials {
  authorization: string | undefined
  form: Form
  certificate: ClientCertificate | undefined
}

/** What a client claims to be, before anything is proven. */
export interface Claimed {
  clientId: string
  /**
   * Whether the claim holds. Must take as long for an unknown client as for a known one.
   * @throws OAuthError where the specification names an error of its own; StoreError
   */
  proves(client: Client | undefined, authServer: AuthServer): boolean | Promise<boolean>
}

export interface ClientAuthMethod {
  /** Its name in `token_endpoint_auth_methods_supported`. */
  name: string
  /**
   * Whether a request carries nothing that belongs to this method alone: a certificate may also be there to bind tokens,
   * a `client_id` always. Such a method is tried where the request uses none of the others.
   */
  implicit: boolean
  /**
   * Reads this method's credentials.
   * @returns undefined where the request carries none of this method
   * @throws OAuthError `invalid_request` or `invalid_client` where it carries malformed ones
   */
  read(credentials: Credentials): Claimed | undefined
}

/** The method of clients that cannot keep a secret: it proves nothing (RFC 7591 section 2). */
export const publicMethod = 'none'
