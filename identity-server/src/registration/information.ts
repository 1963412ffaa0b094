/** Client information responses (RFC 7591 section 3.2.1, RFC 7592 section 3): the client as it is now in force. */
import { jsonEqual } from '@postern/protocol/i-json'
import { formatScope } from '@postern/protocol/scope'
import { Value } from 'typebox/value'
import { ClientSettings } from '../clients/settings.ts'
import type { ClientRegistrationRow } from '../store/client-registrations.ts'
import type { ClientRow } from '../store/clients.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { PresentClient } from './client.ts'
import { ClientMetadata, descriptionOf, RegisteredSettings } from './metadata.ts'
import type { RegisteredSecret } from './secrets.ts'

export type ClientInformation = Record<string, unknown>

/** @param token the registration access token, which only its holder knows */
export function toInformation(
  { issuer }: Pick<AuthServer, 'issuer'>,
  row: ClientRow,
  registration: ClientRegistrationRow,
  token: string,
  { secret, expiresAt }: RegisteredSecret,
): ClientInformation {
  return {
    client_id: row.id,
    client_id_issued_at: toSeconds(registration.issued_at),
    ...(secret !== undefined && { client_secret: secret }),
    ...(expiresAt !== undefined && { client_secret_expires_at: expiresAt === null ? 0 : toSeconds(expiresAt) }),
    registration_access_token: token,
    registration_client_uri: `${issuer}/register/${row.id}`,
    ...toMetadata(toPresent(row, registration)),
    ...(registration.software_statement !== null && { software_statement: registration.software_statement }),
  }
}

export function toPresent(row: ClientRow, { metadata }: ClientRegistrationRow): PresentClient {
  return {
    id: row.id,
    name: row.name,
    grantTypes: row.grant_types,
    authMethods: row.token_endpoint_auth_methods,
    scopes: row.scopes,
    settings: Value.Parse(ClientSettings, row.settings),
    registered: Value.Parse(ClientMetadata, metadata),
  }
}

/** What the client may know of itself: not what an administrator allowed it besides. */
function toMetadata(client: PresentClient): ClientInformation {
  const { authorization_details_types: detailTypes, ...settings } = client.settings
  const own = Object.entries(settings).filter(([name]) => Object.hasOwn(RegisteredSettings.properties, name))
  return {
    ...descriptionOf(client.registered),
    ...(client.name !== client.id && { client_name: client.name }),
    grant_types: client.grantTypes,
    // Left out, it would mean `code` (RFC 7591 section 2).
    response_types: [],
    token_endpoint_auth_method: client.authMethods[0],
    ...(client.scopes.length > 0 && { scope: formatScope(client.scopes) }),
    ...(detailTypes && { authorization_details_types: detailTypes }),
    ...Object.fromEntries(own),
  }
}

/** The names of the members that differ, for the record. */
export function changedMembers(before: ClientInformation, after: ClientInformation): string | undefined {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.filter((name) => !jsonEqual(before[name], after[name])).join(' ') || undefined
}

function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000)
}
