/** What each grant provides; `list.ts` names them all. The token endpoint does the rest, so no grant can forget it. */
import type { Client } from '../clients/clients.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'

export interface GrantRequest {
  authServer: AuthServer
  /** Authenticated, and allowed this grant. */
  client: Client
  form: ReadonlyMap<string, string>
  /** Requested (or default) scopes, each of them allowed to the client. */
  scopes: readonly string[]
}

/** What the resource owner, here the client itself, has authorized. */
export interface Authorization {
  /** The `sub` of the access token. */
  subject: string
  scopes: readonly string[]
}

export interface Grant {
  /** The value of `grant_type`. */
  type: string
  /** @throws OAuthError `invalid_grant` and its kin where the request proves nothing */
  authorize(request: GrantRequest): Promise<Authorization>
}
