/** What the members of a client's settings must be beyond their types: alone, and beside each other. */
import type { OutgoingClient } from '../outgoing/client.ts'
import { usableKeys } from '../outgoing/public-jwks.ts'
import { canonicalAddress } from '../x509/certificate-names.ts'
import { parseDistinguishedName } from '../x509/distinguished-name.ts'
import type { ClientSettings } from './settings.ts'

export type CheckUrl = OutgoingClient['checkUrl']

/**
 * @param authMethods those that the client may use
 * @returns what is wrong with the settings, in words that may be shown; undefined where nothing is
 */
export function problemOf(
  settings: ClientSettings,
  authMethods: readonly string[],
  checkUrl: CheckUrl,
): string | undefined {
  return problemOfKeys(settings, checkUrl) ?? problemOfSubject(settings) ?? problemOfMethods(settings, authMethods)
}

/** The same, of keys alone. */
export function problemOfKeys(
  { jwks, jwks_uri }: Pick<ClientSettings, 'jwks' | 'jwks_uri'>,
  checkUrl: CheckUrl,
): string | undefined {
  if (jwks && jwks_uri !== undefined) return 'jwks and jwks_uri exclude each other'
  if (jwks && usableKeys(jwks)?.length !== jwks.keys.length) return 'jwks holds a key that is no public signature key'
  const reason = jwks_uri === undefined ? undefined : checkUrl(jwks_uri)
  return reason && `jwks_uri is refused: ${reason}`
}

/** The subject that `tls_client_auth` expects is said in one way (RFC 8705 section 2.1.2). */
function problemOfSubject(settings: ClientSettings): string | undefined {
  const { tls_client_auth_subject_dn: name, tls_client_auth_san_ip: address } = settings
  const ways = subjectsIn(settings)
  if (ways.length > 1) return `${ways.join(' and ')} exclude each other`
  if (name !== undefined && !parseDistinguishedName(name)) return 'tls_client_auth_subject_dn is no distinguished name'
  if (address !== undefined && !canonicalAddress(address)) return 'tls_client_auth_san_ip is no IP address'
  return undefined
}

/** What a method compares with must be there. */
function problemOfMethods(settings: ClientSettings, authMethods: readonly string[]): string | undefined {
  if (authMethods.includes('tls_client_auth') && subjectsIn(settings).length === 0) {
    return 'tls_client_auth needs a setting that says which certificate is expected'
  }
  if (authMethods.includes('self_signed_tls_client_auth') && !settings.jwks && settings.jwks_uri === undefined) {
    return 'self_signed_tls_client_auth needs jwks or jwks_uri'
  }
  return undefined
}

function subjectsIn(settings: ClientSettings): string[] {
  return Object.keys(settings).filter((name) => name.startsWith('tls_client_auth_'))
}
