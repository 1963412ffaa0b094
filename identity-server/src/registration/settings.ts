/** Those settings of a client that it may itself make, and must not lose by leaving them out. */
import { jsonEqual } from '@postern/protocol/i-json'
import { Value } from 'typebox/value'
import { ClientSettings } from '../clients/settings.ts'
import type { RegistrationPolicy } from '../tenancy/registration-policy.ts'
import type { PresentClient } from './client.ts'
import { ClientMetadata, invalidMetadata, RegisteredSettings, type StatedMetadata } from './metadata.ts'

/** Either is the other's successor. */
const replacedBy: Readonly<Record<string, string>> = { jwks: 'jwks_uri', jwks_uri: 'jwks' }

/**
 * @returns the settings, and what of them the client is remembered to have said itself
 * @throws OAuthError `invalid_client_metadata` where the policy or an administrator says otherwise, or one in force is left
 *   out
 */
export function registeredSettingsOf(
  policy: RegistrationPolicy,
  { metadata, named, fixed }: StatedMetadata,
  present?: PresentClient,
): { settings: RegisteredSettings; registered: RegisteredSettings } {
  const said = membersOf(metadata)
  const wanted = membersOf({ ...metadata, ...requiredBinding(policy, metadata) })
  const inForce = membersOf(present?.settings ?? {})
  const before = membersOf(present?.registered ?? {})

  const decided = Object.keys(RegisteredSettings.properties).map((name) => {
    const current = inForce.get(name)
    const remembered = before.get(name)
    if (jsonEqual(current, remembered)) {
      if (!wanted.has(name) && !named.has(name)) requireReplaced(name, current, named)
      return { name, setting: wanted.get(name), remembered: wanted.get(name) }
    }
    const isOwnWord = named.has(name) && !fixed.has(name)
    if (isOwnWord && !jsonEqual(said.get(name), current)) throw invalidMetadata(`${name} was set for the client`)
    return { name, setting: current, remembered }
  })
  return {
    settings: parse(decided.map(({ name, setting }) => [name, setting])),
    registered: parse(decided.map(({ name, remembered }) => [name, remembered])),
  }
}

/** @throws OAuthError for a setting that is in force, and left out */
function requireReplaced(name: string, current: unknown, named: ReadonlySet<string>): void {
  if (current === undefined || current === false || named.has(replacedBy[name] ?? '')) return
  throw invalidMetadata(`${name} is in force: it must be stated, or taken back with null`)
}

/** How the policy wants tokens bound; where it leaves a choice and the client makes none, by DPoP. */
function requiredBinding({ sender_constraint: required }: RegistrationPolicy, metadata: ClientMetadata) {
  const { dpop_bound_access_tokens: dpop, tls_client_certificate_bound_access_tokens: mtls } = metadata
  if (required === undefined || (required === 'any' && (dpop || mtls))) return {}
  const name = required === 'mtls' ? 'tls_client_certificate_bound_access_tokens' : 'dpop_bound_access_tokens'
  if (metadata[name] === false) throw invalidMetadata(`${name} is required`)
  return { [name]: true }
}

/** The settings that are not for the client to make. */
export function othersIn(settings: ClientSettings): ClientSettings {
  return Value.Parse(
    ClientSettings,
    Object.fromEntries(Object.entries(settings).filter(([name]) => !Object.hasOwn(ClientMetadata.properties, name))),
  )
}

function parse(members: [name: string, value: unknown][]): RegisteredSettings {
  return Value.Parse(RegisteredSettings, Object.fromEntries(members.filter(([, value]) => value !== undefined)))
}

function membersOf(object: object): Map<string, unknown> {
  return new Map(Object.entries(object))
}
