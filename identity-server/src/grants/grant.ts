/** What each grant provides; `list.ts` names them all. The token endpoint does the rest, so no grant can forget it. */
import type { Actor } from '@postern/protocol/actor'
import type { AuthorizationDetail } from '@postern/protocol/authorization-details'
import type { Confirmation } from '@postern/protocol/confirmation'
import type { Client } from '../clients/clients.ts'
import type { Form } from '../form.ts'
import type { KeyRing } from '../keys/signing-keys.ts'
import type { GrantRow } from '../store/grants.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'

export interface GrantRequest {
  authServer: AuthServer
  keys: KeyRing
  /** Authenticated (or public, where the grant takes such), and allowed this grant. */
  client: Client
  isPublic: boolean
  form: Form
  /** What the request's sender has proven to hold, and its tokens are bound to. */
  confirmation: Confirmation | undefined
  /** ms since the epoch */
  now: number
}

/** What has been authorized. The token endpoint never issues more than this, nor more than the client may have. */
export interface Authorization {
  /** The `sub` of the access token. */
  subject: string
  /** No other scope can be granted, and all of these are where the request names none. Undefined: no such bound. */
  scopeCeiling?: readonly string[]
  /** No other target can be granted, and these are where the request names none. Undefined: no such bound. */
  audienceCeiling?: readonly string[]
  /** No other detail can be granted, and all of these are where the request names none. Undefined: no such bound. */
  authorizationDetailsCeiling?: readonly AuthorizationDetail[]
  /** Seconds since the epoch that no token may outlive. */
  notAfter?: number
  /** Targets that the request names beside `resource`. */
  targets?: readonly string[]
  /** Whoever acts for the subject: the `act` claim. */
  actor?: Actor
  /** Whether it outlasts this token: a client that may use refresh tokens gets one. */
  refreshable?: boolean
  /** The grant that goes on, where a refresh token was used. */
  continues?: GrantRow
  /** The authorization that it stands on, whose revocation ends this one too. */
  grantId?: string
  /** The claims of the token or assertion that proved the subject, for the claims engine. */
  subjectToken?: Readonly<Record<string, unknown>>
  /** In place of the client's own format. */
  format?: 'jwt'
  /** The answer's `issued_token_type` (RFC 8693 section 2.2.1). */
  issuedTokenType?: string
}

export interface Grant {
  /** The value of `grant_type`. */
  type: string
  /** Whether clients that prove nothing may use it. */
  forPublicClients: boolean
  /** The type of the event that tells of a token; `token.issued` where it is left out. */
  recordedAs?: 'token.refreshed' | 'token.exchanged'
  /** @throws OAuthError `invalid_grant` and its kin where the request proves nothing; StoreError */
  authorize(request: GrantRequest): Promise<Authorization>
}
