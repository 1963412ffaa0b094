/** What the members of a client's settings must be beyond their types: alone, and beside each other. */
import type { OutgoingClient } from '../outgoing/client.ts'
import { usableKeys } from '../outgoing/public-jwks.ts'
import type { ClientSettings } from './settings.ts'

export type CheckUrl = OutgoingClient['checkUrl']

/** @returns what is wrong with the settings, in words that may be shown; undefined where nothing is */
export function problemOf(settings: ClientSettings, checkUrl: CheckUrl): string | undefined {
  return problemOfKeys(settings, checkUrl)
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
