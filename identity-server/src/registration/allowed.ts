/**
 * What a registered client may have, member by member: what the policy names; and, where it changes itself, what an
 * administrator gave it besides, which it keeps whatever it asks for.
 */
import { jsonEqual } from '@postern/protocol/i-json'
import { parseScope } from '@postern/protocol/scope'
import { clientAuthMethodNames } from '../client-auth/list.ts'
import { publicMethod } from '../client-auth/method.ts'
import { grantTypes } from '../grants/list.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { RegistrationPolicy } from '../tenancy/registration-policy.ts'
import type { PresentClient } from './client.ts'
import { type ClientMetadata, defaultAuthMethod, invalidMetadata, type StatedMetadata } from './metadata.ts'

const defaultGrantTypes = ['client_credentials']
const defaultAuthMethods: readonly string[] = clientAuthMethodNames.filter((name) => name !== publicMethod)

export function allowedGrantTypes(
  { grant_types: allowed = defaultGrantTypes }: RegistrationPolicy,
  { grant_types: asked = defaultGrantTypes }: ClientMetadata,
  present?: PresentClient,
): string[] {
  const known = grantTypes.filter((type) => allowed.includes(type))
  return within('grant_types', asked, known, present?.grantTypes)
}

export function allowedScopes(
  { scopes: allowed = [], default_scopes: usual = [] }: RegistrationPolicy,
  { scope }: ClientMetadata,
  present?: PresentClient,
): string[] {
  const asked = scope === undefined ? usual.filter((name) => allowed.includes(name)) : parseScope(scope)
  if (!asked) throw invalidMetadata('scope is malformed')
  return within('scope', asked, allowed, present?.scopes)
}

export function allowedDetailTypes(
  { detailTypes }: AuthServer,
  { authorization_details_types: allowed = [] }: RegistrationPolicy,
  { authorization_details_types: asked = [] }: ClientMetadata,
  present?: PresentClient,
): string[] {
  const known = allowed.filter((type) => detailTypes.has(type))
  return within('authorization_details_types', asked, known, present?.settings.authorization_details_types)
}

/** @returns the methods, and which of them the client is remembered to have registered */
export function allowedAuthMethods(
  { limits }: AuthServer,
  policy: RegistrationPolicy,
  { metadata, named, fixed }: StatedMetadata,
  present?: PresentClient,
): { authMethods: string[]; registered: string | undefined } {
  const method = metadata.token_endpoint_auth_method ?? defaultAuthMethod
  if (present) {
    const { authMethods, registered } = present
    const isPresent = authMethods.includes(method)
    const wasSet = !jsonEqual(authMethods, [registered.token_endpoint_auth_method])
    const stays = isPresent || (wasSet && fixed.has('token_endpoint_auth_method'))
    if (!stays && !named.has('token_endpoint_auth_method')) {
      throw invalidMetadata('token_endpoint_auth_method must be stated: it is not the default')
    }
    if (stays) return { authMethods: [...authMethods], registered: registered.token_endpoint_auth_method }
    if (wasSet) throw invalidMetadata('token_endpoint_auth_method was set for the client')
    if (method === publicMethod) throw invalidMetadata('a client that authenticates cannot cease to')
  }
  const { token_endpoint_auth_methods: ofPolicy = defaultAuthMethods } = policy
  const allowed = clientAuthMethodNames.filter(
    (name) => ofPolicy.includes(name) && (limits.token_endpoint_auth_methods?.includes(name) ?? true),
  )
  if (!allowed.some((name) => name === method)) {
    throw invalidMetadata(`token_endpoint_auth_method must be one of ${allowed.join(', ')}`)
  }
  return { authMethods: [method], registered: method }
}

/** @param present those that it has: beyond the policy, only an administrator can have given them */
function within(
  member: string,
  asked: readonly string[],
  allowed: readonly string[],
  present: readonly string[] = [],
): string[] {
  if (asked.some((name) => !allowed.includes(name) && !present.includes(name))) {
    throw invalidMetadata(`${member} names what may not be registered here`)
  }
  return [...new Set([...asked, ...present.filter((name) => !allowed.includes(name))])]
}
