/** What each client authentication method provides; `list.ts` names them all. */
import type { Client } from '../clients/clients.ts'

/** The parts of a request that a client can authenticate with. */
export interface Credentials {
  authorization: string | undefined
  form: ReadonlyMap<string, string>
}

/** What a client claims to be, before anything is proven. */
export interface Claimed {
  clientId: string
  /** Whether the claim holds. Must take as long for an unknown client as for a known one. */
  proves(client: Client | undefined): boolean
}

export interface ClientAuthMethod {
  /** Its name in `token_endpoint_auth_methods_supported`. */
  name: string
  /**
   * Reads this method's credentials.
   * @returns undefined where the request carries none of this method
   * @throws OAuthError `invalid_request` or `invalid_client` where it carries malformed ones
   */
  read(credentials: Credentials): Claimed | undefined
}
